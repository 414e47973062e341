package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// floors are the house's floors from the bottom up; a package imports only from floors below its own.
var floors = [][]string{
	{"geo", "private", "sql", "sql/sqltest", "frontend"},
	{"layers", "layers/filter", "layers/risk/model", "layers/pinyin"},
	{"layers/risk/backtest", "layers/risk/signal", "layers/scoped"},
	{"layers/ledger", "layers/cache", "layers/index"},
	{"layers/catalogue", "layers/audit"},
	{"layers/personal", "layers/account"},
	{"layers/store", "layers/tile", "layers/tile/tiletest", "layers/dispatch", "layers/photo", "layers/alert", "layers/citizen", "layers/webhook", "layers/intake", "layers/intake/reader", "layers/demo", "layers/demo/city", "layers/risk"},
	{"api"},
	{"cmd/onepicture/bench", "cmd/onepicture/bench/load"},
	{"cmd/onepicture"},
}

// inner are packages that only their parent's neighbours on the same floor may use: parts of a room, not rooms.
var inner = map[string]string{
	"sql": "sql/sqltest", "private": "sql/sqltest", "layers": "layers/filter",
	"layers/intake/reader": "layers/intake", "layers/demo/city": "layers/demo", "layers/tile/tiletest": "layers/tile",
}

// borders say which of our packages may import a library; what begins with it counts too.
var borders = map[string][]string{
	"github.com/gin-gonic/gin":      {"api", "cmd/onepicture/bench"}, // bare Gin is what is measured against
	"github.com/danielgtaylor/huma": {"api"},
	"github.com/jackc/pgx": {
		"sql", "sql/sqltest", "layers/scoped", "layers/ledger", "layers/store", "layers/dispatch", "layers/photo", "layers/alert", "layers/citizen", "layers/webhook", "layers/intake", "layers/demo", "layers/catalogue", "layers/audit", "layers/personal", "layers/account", "layers/risk", "cmd/onepicture", "cmd/onepicture/bench", "cmd/onepicture/bench/load",
	},
	"github.com/coreos/go-oidc":  {"layers/account"},
	"golang.org/x/oauth2":        {"layers/account"},
	"github.com/redis/go-redis":  {"layers/cache"},
	"github.com/alecthomas/kong": {"cmd/onepicture"},
	"onepicture/frontend":        {"cmd/onepicture"},
}

type listed struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "onepicture/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func floorOf(pkg string) int {
	return slices.IndexFunc(floors, func(f []string) bool { return slices.Contains(f, pkg) })
}

func TestImportsGoDownward(t *testing.T) {
	list := packages(t)
	if len(list) < 12 {
		t.Fatalf("only %d packages were looked at", len(list))
	}
	for _, p := range list {
		name := strings.TrimPrefix(p.ImportPath, "onepicture/")
		floor := floorOf(name)
		if floor < 0 {
			t.Errorf("%s stands on no floor: add it to the table, or to a room that is there", name)
			continue
		}
		for _, i := range p.Imports {
			below, ours := strings.CutPrefix(i, "onepicture/")
			if ours && floorOf(below) >= floor && inner[below] != name {
				t.Errorf("%s imports %s, which is not below it", name, below)
			}
			for library, allowed := range borders {
				if strings.HasPrefix(i, library) && !slices.Contains(allowed, name) {
					t.Errorf("%s imports %s; only %v may", name, i, allowed)
				}
			}
		}
	}
}
