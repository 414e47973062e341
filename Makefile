# onepicture: `make help` lists what can be done.
SHELL := /bin/bash
.DEFAULT_GOAL := help
GO ?= go
DATA ?= data
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
export CGO_ENABLED ?= 1

.PHONY: help run serve build frontend packages-run packages-test test test-go test-frontend test-browser lint types bench clean

help: ## Show this help
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: packages-run build ## Install what is missing, build, load the synthetic city and serve it
	./bin/onepicture serve --data $(DATA) --demo

build: frontend bin/onepicture ## Build front end and server into bin/onepicture

frontend: frontend/dist/index.html

frontend/node_modules/.package-lock.json: frontend/package.json frontend/package-lock.json
	cd frontend && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

FRONTEND_SOURCES := $(shell find frontend/src frontend/public frontend/index.html frontend/vite.config.ts -type f 2>/dev/null)
frontend/dist/index.html: frontend/node_modules/.package-lock.json $(FRONTEND_SOURCES)
	cd frontend && npm run build --silent

GO_SOURCES := $(shell find . -name '*.go' -not -path './frontend/node_modules/*' -o -path './sql/*' -name '*.sql' -o -path './layers/demo/catalogue/*' | grep -v node_modules)
bin/onepicture: go.mod go.sum $(GO_SOURCES) frontend/dist/index.html
	$(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $@ ./cmd/onepicture

packages-run:
	@scripts/packages.sh run

packages-test:
	@scripts/packages.sh test

test: packages-test ## Run everything: lint, Go with -race, front end, browser
	scripts/test.sh

lint: frontend/node_modules/.package-lock.json ## Check formatting, vet, import walls, front end's linters and types
	scripts/lint.sh

test-go: frontend ## Run the Go tests with the race detector
	$(GO) test -race ./...

test-frontend: frontend/node_modules/.package-lock.json ## Run the front end's unit tests
	cd frontend && npm test --silent

test-browser: build ## Run the browser tests against a real server
	scripts/browser.sh

types: ## Write the OpenAPI document and the client's types from it
	$(GO) run ./cmd/onepicture openapi > frontend/openapi.json
	cd frontend && npm run types --silent

# COUNT runs of each; make bench BASE=old.txt compares with what an earlier run has written.
BENCHED := ./geo ./layers/index ./layers/tile ./layers/cache ./layers/filter ./api
COUNT ?= 6
BASE ?=
bench: frontend ## Run the benchmarks of geo, index, tile, cache, filter and the hot tile; compare with BASE
	@mkdir -p bin
	$(GO) test -run '^$$' -bench '^Bench' -skip '/10M|/.*/10M' -benchmem -count $(COUNT) $(BENCHED) | tee bin/bench.txt
	$(GO) tool -modfile=tools/go.mod benchstat $(BASE) bin/bench.txt

clean: ## Remove what was built (never the data)
	rm -rf bin frontend/dist/assets frontend/dist/index.html frontend/node_modules
