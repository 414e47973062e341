#!/usr/bin/env bash
# Everything that is checked, step by step. A step's output goes to a file; when it fails, its end is the end of the log.
set -uo pipefail
cd "$(dirname "$0")/.."
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
began=$SECONDS

step() {
	local name=$1 start=$SECONDS
	shift
	printf '== %-28s' "$name"
	if "$@" >"$logs/$name.log" 2>&1; then
		printf 'ok   %4d s\n' $((SECONDS - start))
		return
	fi
	printf 'FAILED after %d s\n' $((SECONDS - start))
	# What broke, by its own words first, then the end of the output; all within the last 50 lines.
	grep -nE '^(--- FAIL|FAIL|panic:)|_test\.go:[0-9]+:|^(not ok|✖)|^ *error: |AssertionError|Error:|error TS|✗|×' "$logs/$name.log" | head -22 | cut -c1-400
	echo "-- the last lines of: $name"
	tail -20 "$logs/$name.log" | cut -c1-400
	echo "FAILED: $name (run it alone: $*)"
	exit 1
}

step packages scripts/packages.sh test
step frontend-install make --no-print-directory frontend/node_modules/.package-lock.json
step frontend-build make --no-print-directory frontend
step lint scripts/lint.sh
step frontend-unit npm --prefix frontend test
step go-test go test -race -timeout 20m ./...
step build make --no-print-directory build
step browser scripts/browser.sh
echo "all passed in $((SECONDS - began)) s"
grep -hE '^ok ' "$logs/go-test.log" | awk '{n++} END {print n " passed, 0 failed"}'
