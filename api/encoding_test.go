package api

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"onepicture/layers/tile"
)

func TestAccepted(t *testing.T) {
	const refused = "refused"
	for _, c := range []struct {
		fields []string
		want   string
	}{
		{nil, "identity"},
		{[]string{""}, "identity"},
		{[]string{"gzip, deflate, br, zstd"}, "zstd"},
		{[]string{"gzip, deflate, br"}, "br"},
		{[]string{"gzip"}, "gzip"},
		{[]string{"GZip"}, "gzip"},
		{[]string{"x-gzip"}, "gzip"},
		{[]string{"deflate"}, "identity"},
		{[]string{"gzip", "br"}, "br"},
		{[]string{"gzip;q=1.0, zstd;q=0.5"}, "gzip"},
		{[]string{"gzip ; q=0.8 ,\tbr;Q=0.801"}, "br"},
		{[]string{"gzip;q=0"}, "identity"},
		{[]string{"gzip;q=0.000, br;q=0.001"}, "br"},
		{[]string{"identity, gzip;q=0.5"}, "identity"},
		{[]string{"identity, gzip"}, "gzip"},
		{[]string{"identity;q=0.5, gzip;q=0.5"}, "gzip"},
		{[]string{"*"}, "zstd"},
		{[]string{"*, zstd;q=0"}, "br"},
		{[]string{"br;q=0.5, *;q=0.1"}, "br"},
		{[]string{"br;q=0.1, *;q=0.5"}, "zstd"},
		{[]string{"*;q=0"}, refused},
		{[]string{"identity;q=0"}, refused},
		{[]string{"*;q=0, identity"}, "identity"},
		{[]string{"*;q=0, identity;q=0.1"}, "identity"},
		{[]string{"identity;q=0, gzip"}, "gzip"},
		{[]string{"identity;q=0, deflate"}, refused},
		{[]string{"gzip;q=2"}, "identity"},
		{[]string{"gzip;q=1.001"}, "identity"},
		{[]string{"gzip;q=0.0001"}, "identity"},
		{[]string{"gzip;q=.5"}, "identity"},
		{[]string{"gzip;q=-1"}, "identity"},
		{[]string{"gzip;q=", "br;level=1"}, "identity"},
		{[]string{"gzip q=1"}, "identity"},
		{[]string{",,;,gzip,"}, "gzip"},
		{[]string{"gzip;q=0.5, gzip;q=0"}, "identity"},
	} {
		got, ok := accepted(c.fields)
		name := got.String()
		if !ok {
			name = refused
		}
		if name != c.want {
			t.Errorf("%q: %s, want %s", c.fields, name, c.want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { accepted([]string{"gzip;q=0.5, deflate, br;q=0.25, zstd"}) }); n != 0 {
		t.Errorf("it makes %v pieces of garbage", n)
	}
}

// simple is the same rule said in another way, slowly.
var simple = regexp.MustCompile(`^[ \t]*([^;]*[^; \t])[ \t]*(?:;[ \t]*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*)?$`)

func simply(field string) map[string]float64 {
	liked := map[string]float64{}
	for _, part := range strings.Split(field, ",") {
		if m := simple.FindStringSubmatch(part); m != nil {
			q := 1.0
			if m[2] != "" {
				q, _ = strconv.ParseFloat(strings.TrimSuffix(m[2], "."), 64)
			}
			name := strings.ToLower(strings.Trim(m[1], " \t"))
			if name == "x-gzip" {
				name = "gzip"
			}
			liked[name] = q
		}
	}
	return liked
}

func FuzzAccepted(f *testing.F) {
	for _, s := range []string{"", "gzip, deflate, br, zstd", "*;q=0", "identity;q=0,br;q=0.1", "gzip;q=1.000;q=0", " ;;,=,*", "x-gzip ;q=0.", "\tbr\t"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, field string) {
		got, ok := accepted([]string{field})
		liked := simply(field)
		of := func(e tile.Encoding) float64 {
			if q, named := liked[e.String()]; named {
				return q
			}
			if q, named := liked["*"]; named {
				return q
			}
			if e == tile.Plain {
				return 1e-9 // liked least, but not refused
			}
			return 0
		}
		if !ok {
			for _, e := range tile.Encodings {
				if of(e) > 0 {
					t.Fatalf("%q: refused, but %s is liked", field, e)
				}
			}
			return
		}
		for _, e := range tile.Encodings {
			if of(got) <= 0 || of(e) > of(got) {
				t.Fatalf("%q: %s (%v), but %s is liked %v", field, got, of(got), e, of(e))
			}
		}
		if again, _ := accepted([]string{field, "deflate;q=0.9"}); again != got {
			t.Fatalf("%q: %s, and with a stranger %s", field, got, again)
		}
	})
}

func TestAcceptsGzip(t *testing.T) {
	for field, want := range map[string]bool{
		"": false, "gzip": true, "br": false, "gzip;q=0": false, "*": true, "*;q=0": false, "*;q=0, gzip": true, "br, gzip;q=0.1": true,
		"gzip;q=0, *": false,
	} {
		r := call(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Encoding", field)
		if acceptsGzip(r) != want {
			t.Errorf("%q: %v", field, !want)
		}
	}
}
