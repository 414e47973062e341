package api

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/paulmach/orb/encoding/mvt"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/tile"
)

func tileAt(z uint8) geo.Tile { return geo.TileOf(geo.KeyOf(113.05, 23.05), z) }

func tileURL(set string, z uint8, query string) string {
	return fmt.Sprintf("/tiles/%s/%s.mvt%s", set, tileAt(z), query)
}

func decode(t *testing.T, b []byte) map[string]*mvt.Layer {
	t.Helper()
	list, err := mvt.Unmarshal(b)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*mvt.Layer{}
	for _, l := range list {
		out[l.Name] = l
	}
	return out
}

func TestTiles(t *testing.T) {
	w := newTown(t, nil)
	rec := w.get(tileURL("sites,events", 14, ""))
	if rec.Code != http.StatusOK || rec.Header().Get("Content-Type") != tileType || rec.Header().Get("Content-Encoding") != "" {
		t.Fatalf("%d %v %s", rec.Code, rec.Header(), rec.Body)
	}
	got := decode(t, rec.Body.Bytes())
	if len(got) != 2 || len(got["sites"].Features) != 3 || len(got["events"].Features) != 3 {
		t.Errorf("layers %v", got)
	}
	etag := rec.Header().Get("ETag")
	if etag == "" || rec.Header().Get("Cache-Control") != "private, no-cache" || rec.Header().Get("Vary") != "Accept-Encoding" || rec.Header().Get("X-Position") == "" {
		t.Errorf("headers %v", rec.Header())
	}

	encodings(t, w, tileURL("sites,events", 14, ""), rec.Body.Bytes())

	// The same tile again is answered from memory: nothing is built, the database is not asked.
	before := w.Cache.Status()
	w.darken()
	again := call(http.MethodGet, tileURL("sites,events", 14, ""), nil)
	again.Header.Set("If-None-Match", `"other", `+etag)
	if rec := w.do(again); rec.Code != http.StatusNotModified || rec.Body.Len() != 0 || rec.Header().Get("ETag") != etag {
		t.Errorf("conditional: %d %s", rec.Code, rec.Body)
	}
	if after := w.Cache.Status(); after.Builds != before.Builds || after.Hits != before.Hits {
		t.Errorf("a conditional request asked the cache: %+v", after)
	}
	if rec := w.get(tileURL("sites,events", 14, "")); rec.Code != http.StatusOK {
		t.Errorf("without the database: %d", rec.Code)
	}
	if f := answer[Figures](t, w.get("/api/places/"+cityCode+"/figures")); *f.Totals.Event != 3 {
		t.Errorf("figures without the database: %+v", f.Totals)
	}
	if rec := w.report(t, reportBody, ""); refusal(t, rec).Status != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") == "" {
		t.Errorf("a report without the database: %d %v", rec.Code, rec.Header())
	}
	if rec := w.get(tileURL("sites", 13, "")); refusal(t, rec).Code != string(layers.CodeUnavailable) {
		t.Errorf("a tile that needs the database: %d", rec.Code)
	}
}

// encodings asks for a tile in each encoding: each opens to the same bytes, is told by its headers, has a tag of its own
// that alone is answered 304, and is built and packed once.
func encodings(t *testing.T, w *town, target string, plain []byte) {
	t.Helper()
	tags := map[string]string{}
	before := w.Cache.Status()
	for _, c := range []struct {
		accept string
		want   tile.Encoding
	}{{"gzip, deflate, br, zstd", tile.Zstd}, {"gzip, deflate, br", tile.Brotli}, {"br;q=0.1, gzip", tile.Gzip}, {"gzip;q=0", tile.Plain}} {
		for range 2 {
			r := call(http.MethodGet, target, nil)
			r.Header.Set("Accept-Encoding", c.accept)
			rec := w.do(r)
			name := ""
			if c.want != tile.Plain {
				name = c.want.String()
			}
			got, err := tile.Unpack(c.want, rec.Body.Bytes())
			if err != nil || !bytes.Equal(got, plain) || rec.Header().Get("Content-Encoding") != name || rec.Header().Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s: %v %v, %d bytes", c.accept, rec.Header(), err, len(got))
			}
			tag := rec.Header().Get("ETag")
			if by, known := tags[tag]; known && by != c.accept {
				t.Errorf("%s and %s have one tag", c.accept, by)
			}
			tags[tag] = c.accept
			r.Header.Set("If-None-Match", tag)
			if rec := w.do(r); rec.Code != http.StatusNotModified || rec.Header().Get("Vary") != "Accept-Encoding" || rec.Header().Get("ETag") != tag {
				t.Errorf("%s again: %d %v", c.accept, rec.Code, rec.Header())
			}
			r.Header.Set("Accept-Encoding", "gzip;q=0.1, deflate, identity;q=0")
			if rec := w.do(r); c.want != tile.Gzip && rec.Code != http.StatusOK {
				t.Errorf("the tag of %s in another encoding: %d", c.accept, rec.Code)
			}
		}
	}
	if after := w.Cache.Status(); after.Builds-before.Builds > 3 { // zstd, and of it br and gzip
		t.Errorf("%d values were made", after.Builds-before.Builds)
	}
	r := call(http.MethodGet, target, nil)
	r.Header.Set("Accept-Encoding", "deflate, *;q=0")
	if p := refusal(t, w.do(r)); p.Status != http.StatusNotAcceptable {
		t.Errorf("nothing acceptable: %+v", p)
	}
}

func TestTileVariants(t *testing.T) {
	w := newTown(t, nil)
	filter := func(text string) string { return "?filter=" + url.QueryEscape(text) }
	for _, c := range []struct {
		target   string
		layer    string
		features int // 0: the tile is empty
	}{
		{tileURL("sites", 14, ""), "sites", 3},
		{tileURL("schools", 14, ""), "schools", 2},
		{tileURL("sites", 14, filter("status = 'closed'")), "sites", 1},
		{tileURL("sites", 14, filter("group = 'education' and status <> 'closed'")), "sites", 1},
		{tileURL("events", 14, filter("status = 'open'")), "events", 2},
		{tileURL("events", 14, "?from=2020-01-01T00:00:00Z"), "events", 3},
		{tileURL("events", 14, "?to=2020-01-01T00:00:00Z"), "", 0},
		{tileURL("places", 14, ""), "place", 4},
		{"/tiles/sites/14/0/0.mvt", "", 0},
		{"/tiles/base/0/0/0.mvt", "", 0},
	} {
		rec := w.get(c.target)
		if c.features == 0 {
			if rec.Code != http.StatusNoContent || rec.Body.Len() != 0 {
				t.Errorf("%s: %d, %d bytes", c.target, rec.Code, rec.Body.Len())
			}
			continue
		}
		if rec.Code != http.StatusOK {
			t.Errorf("%s: %d %s", c.target, rec.Code, rec.Body)
			continue
		}
		if l := decode(t, rec.Body.Bytes())[c.layer]; l == nil || len(l.Features) != c.features {
			t.Errorf("%s: %+v", c.target, l)
		}
	}
}

// However deep the zoom, a person is part of a count, and no filter makes it smaller.
func TestPersonsAreNeverRecords(t *testing.T) {
	w := newTown(t, nil)
	seen := 0
	for z := range uint8(geo.MaxZoom + 1) {
		if p := refusal(t, w.get(tileURL("elderly", z, "?filter=age%20%3E%2070"))); p.Status != 422 || len(p.Errors) != 1 {
			t.Errorf("z%d: a filter on persons: %+v", z, p)
		}
		rec := w.get(tileURL("elderly", z, ""))
		if rec.Code == http.StatusNoContent {
			continue // the place stands in another tile
		}
		if rec.Code != http.StatusOK {
			t.Errorf("z%d: %d %s", z, rec.Code, rec.Body)
			continue
		}
		for _, f := range decode(t, rec.Body.Bytes())["elderly"].Features {
			seen++
			if n, counted := f.Properties["n"].(float64); f.ID != nil || !counted || int(n)%10 != 0 || n == 0 {
				t.Errorf("z%d: a person shows: %+v", z, f)
			}
			for name := range f.Properties {
				if name != "n" && name != "cell" {
					t.Errorf("z%d: a cell of persons has %s", z, name)
				}
			}
		}
	}
	if seen == 0 {
		t.Error("no counts at all")
	}
}

// A write makes a new tile where it lies and leaves others as they are.
func TestTileVersions(t *testing.T) {
	w := newTown(t, nil)
	tag := func(target, min string) string {
		r := call(http.MethodGet, target, nil)
		r.Header.Set("X-Min-Position", min)
		return w.do(r).Header().Get("ETag")
	}
	near, other := tileURL("events", 14, ""), "/tiles/events/14/0/0.mvt"
	nearBefore, otherBefore, sitesBefore := tag(near, "1"), tag(other, "1"), tag(tileURL("sites", 14, ""), "1")
	p := answer[Reported](t, w.report(t, reportBody, "")).Position
	if tag(near, p) == nearBefore {
		t.Error("the tile of the new event has its old tag")
	}
	if tag(other, p) != otherBefore || tag(tileURL("sites", 14, ""), p) != sitesBefore {
		t.Error("a tile without the new event has a new tag")
	}
}

// A tile that was begun before a change is given and kept as what it was; after the change there is another.
func TestTileBegunBeforeAChange(t *testing.T) {
	for _, accept := range []string{"zstd", "br", "identity"} {
		t.Run(accept, func(t *testing.T) {
			var blocked atomic.Bool
			started, release := make(chan struct{}), make(chan struct{})
			w := newTown(t, func(o *Options) {
				st := o.Store
				o.Tiles = tile.NewBuilder(st, func() *layers.Catalogue { // asked for while a tile is drawn
					if blocked.CompareAndSwap(true, false) {
						close(started)
						<-release
					}
					return st.Catalogue()
				})
			})
			target := tileURL("events", 14, "")
			ask := func(min, tag string) *httptest.ResponseRecorder {
				r := call(http.MethodGet, target, nil)
				r.Header.Set("Accept-Encoding", accept)
				if min != "" {
					r.Header.Set("X-Min-Position", min)
				}
				if tag != "" {
					r.Header.Set("If-None-Match", tag)
				}
				return w.do(r)
			}
			events := func(rec *httptest.ResponseRecorder) int {
				for _, e := range tile.Encodings {
					if e.String() == accept {
						plain, err := tile.Unpack(e, rec.Body.Bytes())
						if err != nil || rec.Code != http.StatusOK {
							t.Fatalf("%d, %v", rec.Code, err)
						}
						return len(decode(t, plain)["events"].Features)
					}
				}
				return 0
			}
			blocked.Store(true)
			begun := make(chan *httptest.ResponseRecorder, 1)
			go func() { begun <- ask("", "") }()
			<-started
			p := answer[Reported](t, w.report(t, reportBody, "")).Position
			after := ask(p, "")
			if n := events(after); n != 4 {
				t.Errorf("after the change %d events", n)
			}
			close(release)
			before := <-begun
			if n := events(before); n != 3 {
				t.Errorf("the tile begun before has %d events", n)
			}
			tag := after.Header().Get("ETag")
			if before.Header().Get("ETag") == tag {
				t.Error("both have one tag")
			}
			if again := ask("", ""); events(again) != 4 || again.Header().Get("ETag") != tag {
				t.Errorf("the older tile took the newer's place: %d events", events(again))
			}
			if again := ask("", before.Header().Get("ETag")); again.Code != http.StatusOK {
				t.Errorf("the older tag: %d", again.Code)
			}
		})
	}
}
