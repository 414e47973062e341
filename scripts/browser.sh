#!/usr/bin/env bash
# The browser tests against a real server with a city of its own, on a free port, stopped by its own process id.
set -euo pipefail
cd "$(dirname "$0")/.."
data=$(mktemp -d)
chmod 755 "$data"
port=$(node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
export ONEPICTURE_URL="http://127.0.0.1:$port"
bin/onepicture serve --data "$data/city" --demo --people 60000 --trickle 0 --listen "127.0.0.1:$port" >"$data/server.log" 2>&1 &
server=$!
stop() {
	kill "$server" 2>/dev/null || true
	wait "$server" 2>/dev/null || true
	rm -rf "$data"
}
trap stop EXIT
for _ in $(seq 1200); do
	curl -fsS -o /dev/null "$ONEPICTURE_URL/health/ready" 2>/dev/null && break
	kill -0 "$server" 2>/dev/null || { cat "$data/server.log"; exit 1; }
	read -rt 0.1 <> <(:) || true
done
npm --prefix frontend run --silent e2e || { tail -20 "$data/server.log"; exit 1; }
