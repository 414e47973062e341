package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var write = flag.Bool("write", false, "write frontend/openapi.json")

// The client's types are made from the checked-in document, so it must be the present one: make types writes it.
func TestDocument(t *testing.T) {
	b, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Document(); err != nil || !bytes.Equal(b, again) {
		t.Errorf("made twice it differs: %v", err)
	}
	file := filepath.Join("..", "frontend", "openapi.json")
	if *write {
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, kept) {
		t.Error("frontend/openapi.json is not of this API: run make types and look at the difference")
	}
}

// Every reference resolves, every operation has an id of its own, every schema of an array has items.
func TestDocumentIsValid(t *testing.T) {
	b, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		OpenAPI    string
		Paths      map[string]map[string]struct{ OperationID string }
		Components struct{ Schemas map[string]json.RawMessage }
	}
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(d.OpenAPI, "3.1") || len(d.Paths) < 15 {
		t.Errorf("version %s, %d paths", d.OpenAPI, len(d.Paths))
	}
	seen := map[string]string{}
	for path, item := range d.Paths {
		for method, op := range item {
			if op.OperationID == "" || seen[op.OperationID] != "" {
				t.Errorf("%s %s: id %q, also of %s", method, path, op.OperationID, seen[op.OperationID])
			}
			seen[op.OperationID] = path
		}
	}
	var tree any
	if err := json.Unmarshal(b, &tree); err != nil {
		t.Fatal(err)
	}
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				name, local := strings.CutPrefix(ref, "#/components/schemas/")
				if _, found := d.Components.Schemas[name]; !local || !found {
					t.Errorf("%s refers to %s, which is not there", at, ref)
				}
			}
			if v["type"] == "array" && v["items"] == nil {
				t.Errorf("%s is an array of nothing", at)
			}
			for k, x := range v {
				walk(at+"/"+k, x)
			}
		case []any:
			for _, x := range v {
				walk(at, x)
			}
		}
	}
	walk("", tree)
}
