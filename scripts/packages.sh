#!/bin/bash
# Installs what onepicture needs from Debian's packages: packages.sh run|test
#   run   PostgreSQL with PostGIS, and Redis: the server starts its own from them
#   test  also a browser with Chinese fonts, a real OGC client, and a C compiler for the race detector
# Does nothing, and needs no right, when all is there. No system service is started or left enabled by it.
set -euo pipefail

say() { echo "packages: $*" >&2; }
die() { say "$*"; exit 1; }

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
offered() { [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]; }

# The newest PostgreSQL from 15 on that is installed together with PostGIS; nothing when there is none.
postgres_installed() {
    local bin major
    for bin in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -rn); do
        major=${bin#/usr/lib/postgresql/}
        major=${major%/bin}
        if [ "$major" -ge 15 ] && [ -x "$bin/postgres" ] && [ -e "/usr/share/postgresql/$major/extension/postgis.control" ]; then
            echo "$major"
            return
        fi
    done
}

# The PostgreSQL of this Debian: 15, else the one that its package "postgresql" stands for.
postgres_offered() {
    local major
    for major in 15 $(apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p'); do
        if [ "$major" -ge 15 ] && offered "postgresql-$major" && offered "postgresql-$major-postgis-3"; then
            echo "$major"
            return
        fi
    done
}

missing() {
    [ -n "$(postgres_installed)" ] || echo postgresql
    [ -x /usr/bin/redis-server ] || echo redis-server
    [ "$1" = test ] || return 0
    local package
    command -v chromium >/dev/null || echo chromium
    for package in fonts-noto-cjk gdal-bin libc6-dev; do
        installed "$package" || echo "$package"
    done
    command -v gcc >/dev/null || echo gcc
}

# Keeps the packages from creating a system cluster and from starting their services, for the time of the call.
without_services() {
    local policy=/usr/sbin/policy-rc.d conf=/etc/postgresql-common/createcluster.d/onepicture.conf made_policy=
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | $root tee "$policy" >/dev/null
        $root chmod 755 "$policy"
        made_policy=yes
    fi
    if ! installed postgresql-common; then # where it is, somebody already chose
        $root mkdir -p /etc/postgresql-common/createcluster.d
        echo 'create_main_cluster = false' | $root tee "$conf" >/dev/null
    fi
    local code=0
    "$@" || code=$?
    [ -z "$made_policy" ] || $root rm -f "$policy"
    return "$code"
}

apt() { $root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1; }

install() {
    local redis_was= names=() name major
    installed redis-server && redis_was=yes
    apt update || { cat "$log" >&2; die "apt-get update failed"; }
    for name in "$@"; do
        if [ "$name" = postgresql ]; then
            major=$(postgres_offered)
            [ -n "$major" ] || die "this system offers no PostgreSQL 15 or later with PostGIS; Debian 12 or later does"
            names+=("postgresql-$major" "postgresql-$major-postgis-3")
        else
            names+=("$name")
        fi
    done
    say "installing ${names[*]}"
    apt install -y --no-install-recommends "${names[@]}" || { cat "$log" >&2; die "apt-get install ${names[*]} failed"; }
    if [ -z "$redis_was" ] && command -v systemctl >/dev/null; then
        $root systemctl disable redis-server >/dev/null 2>&1 || true # not booted with systemd: nothing is enabled
    fi
}

[ $# -eq 1 ] && { [ "$1" = run ] || [ "$1" = test ]; } || die "usage: scripts/packages.sh run|test"
command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || {
    [ -n "$(postgres_installed)" ] && command -v redis-server >/dev/null && exit 0
    die "this is not Debian: install PostgreSQL 15 or later with PostGIS 3, and Redis, by hand"
}
mapfile -t wanted < <(missing "$1")
[ ${#wanted[@]} -gt 0 ] || exit 0

if [ "$(id -u)" = 0 ]; then
    root=
elif command -v sudo >/dev/null; then
    root=sudo
else
    die "missing: ${wanted[*]}; run 'scripts/packages.sh $1' as root (there is no sudo here)"
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
without_services install "${wanted[@]}"
mapfile -t wanted < <(missing "$1")
[ ${#wanted[@]} -eq 0 ] || die "still missing after the installation: ${wanted[*]}"
