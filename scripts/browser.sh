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
npm --prefix frontend run --silent e2e || { grep -hE 'level=(WARN|ERROR)' "$data/server.log" | grep -v health/ready | tail -5; exit 1; }
