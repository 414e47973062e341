#!/usr/bin/env bash
# Formatting, vet, staticcheck, generated files, front end's linters and types. The import walls are a Go test.
set -euo pipefail
cd "$(dirname "$0")/.."
files=$(git ls-files -co --exclude-standard '*.go')
unformatted=$(gofmt -l $files)
if [ -n "$unformatted" ]; then
	echo "not formatted (gofmt -w):"
	echo "$unformatted"
	exit 1
fi
go vet ./...
go tool -modfile=tools/go.mod staticcheck ./...
if ! go run ./cmd/onepicture openapi | diff -q - frontend/openapi.json >/dev/null; then
	echo "frontend/openapi.json is not what the server says: make types"
	exit 1
fi
cd frontend
npm run --silent lint
npm run --silent typecheck
