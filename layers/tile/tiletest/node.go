package tiletest

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"onepicture/geo"
)

// frontend is the folder of the front end, where the decoder is installed.
func frontend() string {
	_, file, _, _ := runtime.Caller(0) // layers/tile/tiletest/node.go
	return filepath.Join(filepath.Dir(file), "..", "..", "..", "frontend")
}

type nodeLayer struct {
	Version  int
	Extent   int
	Features []struct {
		Feature
		Properties map[string]any `json:"properties"`
	}
}

// byNode reads the folder's tiles with @mapbox/vector-tile.
func byNode(t testing.TB, dir string, _ Decoded) Decoded {
	t.Helper()
	home := frontend()
	if _, err := os.Stat(filepath.Join(home, "node_modules", "@mapbox", "vector-tile")); err != nil {
		t.Fatalf("the front end's packages are not installed: run \"make frontend/node_modules/.package-lock.json\" (make test does): %v", err)
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join(home, "tools", "decode.mjs"), dir)
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("Mapbox's decoder: %v\n%s", err, said.String())
	}
	var files map[string]map[string]nodeLayer
	if err := json.Unmarshal(out, &files); err != nil {
		t.Fatalf("Mapbox's decoder: %v", err)
	}
	got := Decoded{}
	for name, layers := range files {
		tile, err := parseName(name)
		if err != nil {
			t.Fatal(err)
		}
		got[tile] = map[string][]Feature{}
		for layer, l := range layers {
			if l.Version != 2 || l.Extent != geo.Extent {
				t.Errorf("tile %v, layer %s: version %d, extent %d", tile, layer, l.Version, l.Extent)
			}
			for _, f := range l.Features {
				f.Feature.Properties = map[string]string{}
				for key, v := range f.Properties {
					f.Feature.Properties[key] = textOf(v)
				}
				got[tile][layer] = append(got[tile][layer], f.Feature)
			}
		}
	}
	return got
}
