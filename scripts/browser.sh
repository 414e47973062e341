#!/usr/bin/env bash
# The browser tests against a real server with a city of its own and a sign-in provider, on free ports, stopped by their own
# process ids. E2E="node --test frontend/e2e/hub.test.mjs" runs one of them alone.
set -euo pipefail
cd "$(dirname "$0")/.."
data=$(mktemp -d)
chmod 755 "$data"
free() { node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
port=$(free)
idp=$(free)
export ONEPICTURE_URL="http://127.0.0.1:$port" ONEPICTURE_DATA="$data/city"
export ONEPICTURE_OIDC_ISSUER="http://localhost:$idp"
node frontend/e2e/idp.mjs "$idp" &
provider=$!
bin/onepicture serve --data "$data/city" --demo --people 60000 --trickle 0 --listen "127.0.0.1:$port" \
	--address "$ONEPICTURE_URL" --oidc-client map --oidc-claim preferred_username >"$data/server.log" 2>&1 &
server=$!
stop() {
	kill "$server" "$provider" 2>/dev/null || true
	wait "$server" "$provider" 2>/dev/null || true
	rm -rf "$data"
}
trap stop EXIT
# Waits until the server is ready, for two minutes at most, and no longer than it lives. (Node, because curl need not be there.)
node -e '
const [url, pid] = process.argv.slice(1);
const until = Date.now() + 120_000;
const look = () => fetch(url).then((r) => r.ok, () => false).then((ready) => {
	if (ready) return;
	process.kill(pid, 0);
	if (Date.now() > until) throw new Error("not ready after two minutes");
	setTimeout(look, 100);
});
look();' "$ONEPICTURE_URL/health/ready" "$server" || { tail -30 "$data/server.log"; exit 1; }
bin/onepicture account expect clerk huang --data "$data/city"
${E2E:-npm --prefix frontend run --silent e2e} || { grep -hE 'level=(WARN|ERROR)' "$data/server.log" | grep -v health/ready | tail -5; exit 1; }
