package tile

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/filter"
	"onepicture/layers/index"
	"onepicture/sql/sqltest"
)

func TestCellsSumToTheCount(t *testing.T) {
	f := newFixture(t, many(layers.KindSite, 30_000, 0.2)...)
	for z := uint8(6); z < 15; z++ {
		tile := tileAt(113.6, 23.1, z)
		r := f.request(tile, layers.Loopback(), "sites", "schools")
		got := f.build(t, r)
		for i, l := range r.Layers {
			q := index.Query{Kind: layers.KindSite, Scope: r.Scope, Layers: 1 << i}
			n := f.snap.CountTile(q, tile)
			list := got[l.Code]
			if told(list) != n || len(list) > 4096 {
				t.Errorf("%v %s: %d of %d", tile, l.Code, told(list), n)
			}
			if n <= MaxFeatures/2 && len(list) != n || n > MaxFeatures && list[0].ID != nil {
				t.Errorf("%v %s: %d told as %d", tile, l.Code, n, len(list))
			}
			if len(list) == n {
				continue
			}
			parks, schools := total(list, "c_park"), total(list, "c_school")
			if l.Code == "sites" && parks+schools != n {
				t.Errorf("%v: classes sum to %d + %d of %d", tile, parks, schools, n)
			}
			if l.Code == "schools" && parks+schools != 0 {
				t.Errorf("%v: a layer of one class tells its count twice", tile)
			}
		}
	}
	if f.source.asked == 0 {
		t.Error("no tile was drawn of features")
	}
}

func TestPeopleAreCountsInCellsNotTooFine(t *testing.T) {
	f := newFixture(t, people(20_000, 0.02)...)
	for name, scope := range map[string]layers.Scope{"exact": layers.Internal("test"), "rounded": layers.Loopback()} {
		seen := 0
		for z := uint8(8); z <= geo.MaxZoom; z++ {
			tile := tileAt(113.51, 23.01, z)
			list := f.build(t, f.request(tile, scope, "people"))["people"]
			seen += len(list)
			for _, c := range list {
				side := float64(number(c, "cell"))
				if world := float64(uint64(geo.Extent) << z); side/world < 1.0/(1<<finestCounts) {
					t.Fatalf("%s, zoom %d: cells of 2^-18 × %v of the world", name, z, side/world*(1<<finestCounts))
				}
				n := number(c, "n")
				if n <= 0 || c.ID != nil || len(c.Properties) != 2 || name == "rounded" && n%scope.Threshold != 0 {
					t.Fatalf("%s, zoom %d: %v %v", name, z, c.ID, c.Properties)
				}
				p := point(t, c)
				if name == "exact" && n < crowd && z <= finestCounts && (int(p[0])%int(side) != int(side)/2 || int(p[1])%int(side) != int(side)/2) {
					t.Fatalf("zoom %d: %d persons at %v, not at the middle of a cell of %v", z, n, p, side)
				}
			}
		}
		if seen == 0 {
			t.Errorf("%s: no cells", name)
		}
	}
	if f.source.asked > 0 {
		t.Error("the database was asked for single persons")
	}
}

// Rounded numbers of persons change when they are released, and only then; the tile's version with them.
func TestReleasesChangeVersions(t *testing.T) {
	f := newFixture(t, people(2000, 0.02)...)
	r := f.request(tileAt(113.51, 23.01, 12), layers.Loopback(), "people")
	exact := r
	exact.Scope = layers.Internal("test")
	if v := r.Version(f.snap); v != 8 || exact.Version(f.snap) != 7 {
		t.Errorf("rounded at %d, exact at %d", v, exact.Version(f.snap))
	}
}

// A square larger than a tile is in one of its tiles, so that no person is counted twice and none is left out.
func TestDeepTilesDivideNoCell(t *testing.T) {
	f := newFixture(t, people(3000, 0.003)...)
	parent := tileAt(113.5015, 23.0015, finestCounts)
	want := f.build(t, f.request(parent, layers.Internal("test"), "people"))["people"]
	if len(want) != 1 || number(want[0], "n") < 100 {
		t.Fatalf("the fixture is too thin: %v", want)
	}
	tiles := []geo.Tile{parent}
	for z := parent.Z + 1; z <= geo.MaxZoom; z++ {
		var next []geo.Tile
		n, cells := 0, 0
		for _, tile := range tiles {
			for _, child := range tile.Children() {
				next = append(next, child)
				got := f.build(t, f.request(child, layers.Internal("test"), "people"))["people"]
				cells += len(got)
				n += total(got, "n")
			}
		}
		if tiles = next; cells != 1 || n != number(want[0], "n") {
			t.Errorf("zoom %d: %d cells of %d, want one of %d", z, cells, n, number(want[0], "n"))
		}
	}
}

func TestNobodySeesBeyondTheScope(t *testing.T) {
	puts := append(many(layers.KindSite, 500, 0.01), many(layers.KindEvent, 5000, 0.01)...)
	f := newFixture(t, append(puts, people(5000, 0.01)...)...)
	tile := tileAt(113.505, 23.005, 12)
	place, all := layers.Reach{}, layers.Everywhere()
	place.Places.Add(2)
	here, nobody := layers.Sight{Counts: place, Records: place}, layers.Sight{}
	countsThere := layers.Sight{Counts: all, Records: place}
	for _, c := range []struct {
		name                  string
		scope                 layers.Scope
		people, sites, events int
	}{
		{"the zero scope", layers.Scope{}, 0, 0, 0},
		{"no people", layers.Scope{Site: layers.Sight{Records: all}, Event: layers.Sight{Records: all}}, 0, 500, 5000},
		{"one place", layers.Scope{Person: here, Site: here, Event: here}, 1666, 166, 1666},
		{"counts elsewhere", layers.Scope{Person: nobody, Site: countsThere, Event: countsThere}, 0, 500, 5000},
		{"people rounded", layers.Loopback(), -1, 500, 5000},
	} {
		got := f.build(t, f.request(tile, c.scope, "people", "sites", "events"))
		if n := total(got["people"], "n"); n != c.people && c.people >= 0 || c.people < 0 && (n == 0 || n%10 != 0) {
			t.Errorf("%s: %d people", c.name, n)
		}
		if c.name == "counts elsewhere" {
			for _, site := range got["sites"] {
				if _, single := site.Properties["class"]; single == (number(site, "n") > 0) {
					t.Errorf("%v", site.Properties)
				}
			}
		}
		if told(got["sites"]) != c.sites || told(got["events"]) != c.events {
			t.Errorf("%s: %d sites, %d events", c.name, len(got["sites"]), told(got["events"]))
		}
	}
}

func TestFeaturesHaveTheirAttributes(t *testing.T) {
	tile := tileAt(113.5, 23, 14)
	b := tile.Bound()
	centre := b.Center()
	w := b.Max[0] - b.Min[0]
	key := geo.KeyOf(centre[0], centre[1])
	across := orb.Bound{Min: orb.Point{centre[0], centre[1] - w/8}, Max: orb.Point{centre[0] + w*2, centre[1] + w/8}}
	tiny := orb.Bound{Min: centre, Max: orb.Point{centre[0] + w/1e6, centre[1] + w/1e6}}
	speck := orb.Bound{Min: orb.Point{b.Max[0] + w/1000, centre[1]}, Max: orb.Point{b.Max[0] + w/999, centre[1]}}
	f := newFixture(t,
		index.Put{Kind: layers.KindSite, Record: layers.Record{ID: 5, Key: geo.KeyOf(speck.Min[0], centre[1]), Class: 1}, Bound: &speck},
		index.Put{Kind: layers.KindSite, Record: layers.Record{ID: 1, Key: key, Class: 2, Status: 1}},
		index.Put{Kind: layers.KindSite, Record: layers.Record{ID: 2, Key: key, Class: 1, Status: 3}, Bound: &across},
		index.Put{Kind: layers.KindSite, Record: layers.Record{ID: 3, Key: key, Class: 1, Status: 0}, Bound: &tiny},
		index.Put{Kind: layers.KindSite, Record: layers.Record{ID: 4, Key: geo.KeyOf(b.Max[0]+w/3, centre[1]), Class: 1}, Bound: &across},
		index.Put{Kind: layers.KindEvent, Record: layers.Record{ID: 9, Key: key, Class: 2, Item: 4, Status: 3, Level: 2, Time: 100, Due: 160}},
	)
	f.source.features = map[int64]layers.Feature{
		1: {ID: 1, Name: "一小"},
		2: {ID: 2, Name: "Park"},
		3: {ID: 3},
		4: {ID: 4},
		5: {ID: 5, Name: "too small to be seen, and in the next tile"},
		9: {ID: 9, Name: "smoke"},
	}
	f.source.pool, f.source.shapes = sqltest.DB(t), map[int64]orb.Geometry{
		2: across.ToPolygon(), 3: tiny.ToPolygon(), 4: orb.LineString{across.Min, across.Max}, 5: speck.ToPolygon(),
	}
	got := f.build(t, f.request(tile, layers.Loopback(), "sites", "events"))
	var lines []string
	for _, layer := range []string{"sites", "events"} {
		for _, g := range got[layer] {
			lines = append(lines, fmt.Sprint(layer, " ", g.ID, " ", g.Geometry.GeoJSONType(), " ", map[string]any(g.Properties)))
		}
	}
	want := []string{
		"sites 1 Point map[class:school name:一小 status:open]",
		"sites 2 Polygon map[class:park name:Park status:closed]",
		"sites 3 Point map[class:park status:planned]",
		"sites 4 LineString map[class:park status:planned]",
		"events 9 Point map[at:6000 category:fire due:9600 item:E04 level:2 name:smoke status:dispatch]",
	}
	if d := cmp.Diff(want, lines); d != "" {
		t.Error(d)
	}
	if p := point(t, got["sites"][0]); p != (orb.Point{2048, 2048}) {
		t.Errorf("the school is at %v", p)
	}
	frame := got["sites"][1].Geometry.Bound()
	if frame.Max[0] != geo.Extent+buffer || frame.Min[0] != 2048 {
		t.Errorf("the park is cut at %v", frame)
	}
}

func TestTheBudgetIsShared(t *testing.T) {
	puts := append(many(layers.KindSite, 1500, 0.001), many(layers.KindEvent, 1500, 0.001)...)
	f := newFixture(t, puts...)
	got := f.build(t, f.request(tileAt(113.5005, 23.0005, 12), layers.Loopback(), "sites", "events"))
	if len(got["sites"]) != 1500 || got["sites"][0].ID == nil {
		t.Errorf("%d sites", len(got["sites"]))
	}
	if total(got["events"], "n") != 1500 || got["events"][0].ID != nil {
		t.Errorf("events sum to %d", total(got["events"], "n"))
	}
}

func TestATileTooLargeIsMadeOfCoarserCells(t *testing.T) {
	f := newFixture(t, many(layers.KindSite, 1900, 0.02)...)
	r := rand.New(rand.NewPCG(1, 2))
	f.name(2000, func(int64, int) rune { return rune(0x4e00 + r.IntN(20_000)) })
	got := f.build(t, f.request(tileAt(113.51, 23.01, 9), layers.Loopback(), "sites"))["sites"]
	if total(got, "n") != 1900 || number(got[0], "cell") != geo.Extent/32 {
		t.Errorf("%d in cells of %d", total(got, "n"), number(got[0], "cell"))
	}
}

func TestFilterAndWindow(t *testing.T) {
	f := newFixture(t, append(many(layers.KindEvent, 100, 0.001), many(layers.KindSite, 50, 0.001)...)...)
	tile := tileAt(113.5005, 23.0005, 12)
	minute := func(n int) time.Time { return time.Unix(int64(n)*60, 0).UTC() }
	fires, err := filter.Parse(layers.KindEvent, "category = 'fire'", f.catalogue, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	all := f.request(tile, layers.Loopback(), "events", "sites")
	for _, c := range []struct {
		name          string
		change        func(*Request)
		events, sites int
	}{
		{"all", func(*Request) {}, 100, 50},
		{"from", func(r *Request) { r.From = minute(90) }, 10, 50},
		{"to", func(r *Request) { r.To = minute(20) }, 20, 50},
		{"window", func(r *Request) { r.From, r.To = minute(10), minute(20) }, 10, 50},
		{"empty window", func(r *Request) { r.From, r.To = minute(20), minute(10) }, 0, 50},
	} {
		r := all
		c.change(&r)
		got := f.build(t, r)
		if len(got["events"]) != c.events || len(got["sites"]) != c.sites {
			t.Errorf("%s: %d events, %d sites", c.name, len(got["events"]), len(got["sites"]))
		}
	}
	r := f.request(tile, layers.Loopback(), "events")
	r.Filter = fires
	got := f.build(t, r)["events"]
	if len(got) == 0 || len(got) == 100 {
		t.Errorf("%d fires", len(got))
	}
	for _, e := range got {
		if e.Properties["category"] != "fire" {
			t.Errorf("%v is no fire", e.Properties)
		}
	}
}

func TestBuiltInSets(t *testing.T) {
	f := newFixture(t)
	f.source.base = []byte("base")
	r := Request{Set: Base, Tile: geo.Tile{}, Scope: layers.Loopback()}
	packed, err := f.builder.Build(t.Context(), f.snap, r)
	if err != nil || string(unpack(t, packed)) != "base" {
		t.Errorf("%v", err)
	}
	r.Set = Places
	if packed, err = f.builder.Build(t.Context(), f.snap, r); packed != nil || err != nil {
		t.Errorf("an empty tile has no bytes: %d %v", len(packed), err)
	}
	if v := r.Version(f.snap); v != 3 {
		t.Errorf("places are at %d, want the last change of configuration", v)
	}
	f.source.err = errors.New("gone")
	if _, err = f.builder.Build(t.Context(), f.snap, r); !errors.Is(err, f.source.err) {
		t.Errorf("%v", err)
	}
}

func TestAFailureGivesNoPartOfATile(t *testing.T) {
	f := newFixture(t, append(many(layers.KindSite, 10, 0.001), many(layers.KindEvent, 10, 0.001)...)...)
	f.source.err = errors.New("gone")
	packed, err := f.builder.Build(t.Context(), f.snap, f.request(tileAt(113.5, 23, 8), layers.Loopback(), "sites", "events"))
	if packed != nil || !errors.Is(err, f.source.err) {
		t.Errorf("%d bytes, %v", len(packed), err)
	}
}

func TestKeys(t *testing.T) {
	f := newFixture(t)
	base := f.request(geo.Tile{Z: 8, X: 3, Y: 4}, layers.Loopback(), "sites")
	base.Scope.Actor = "Zhang San"
	fires, err := filter.Parse(layers.KindEvent, "category = 'fire'", f.catalogue, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for name, change := range map[string]func(*Request){
		"itself": func(*Request) {},
		"layers": func(r *Request) { r.Layers = append(r.Layers, f.catalogue.Layer("schools")) },
		"set":    func(r *Request) { r.Set, r.Layers = Base, nil },
		"tile":   func(r *Request) { r.Tile.X++ },
		"scope":  func(r *Request) { r.Scope.Person = layers.Sight{} },
		"places": func(r *Request) { r.Scope.Site.Records = layers.Reach{Places: layers.PlaceSet{2}} },
		"filter": func(r *Request) { r.Filter = fires },
		"from":   func(r *Request) { r.From = today },
		"to":     func(r *Request) { r.To = today },
		"day":    func(r *Request) { r.Today = today.AddDate(0, 0, 1) },
	} {
		r := base
		change(&r)
		for _, v := range []layers.Position{7, 8} {
			key := r.Key(v, Zstd)
			if other := seen[key]; other != "" {
				t.Errorf("%s and %s have the same key", name, other)
			}
			seen[key] = name
			if strings.Contains(key, "Zhang") {
				t.Error("a key names a person")
			}
			if tag := ETag(key); !strings.HasPrefix(tag, `W/"`) || tag != ETag(key) || tag == ETag(key+"x") {
				t.Errorf("tag %s", tag)
			}
		}
	}
	other := base
	other.Scope.Actor = "Li Si"
	if other.Key(7, Zstd) != base.Key(7, Zstd) {
		t.Error("equal scopes share bytes")
	}
}

func TestDescribe(t *testing.T) {
	c := testCatalogue()
	got := Describe("http://here", "", []*layers.Layer{c.Layer("people"), c.Layer("events")}, []float64{113, 22, 114, 23})
	if got.TileJSON != "3.0.0" || got.Tiles[0] != "http://here/tiles/people,events/{z}/{x}/{y}.mvt" || got.MaxZoom != 18 {
		t.Errorf("%+v", got)
	}
	if len(got.VectorLayers) != 2 || got.VectorLayers[0].ID != "people" || got.VectorLayers[0].Description != "人口" {
		t.Errorf("%+v", got.VectorLayers)
	}
	if f := got.VectorLayers[0].Fields; f["n"] != "Number" || f["few"] != "" || f["name"] != "" {
		t.Errorf("fields of people: %v", f)
	}
	for set, layer := range map[string]string{Base: "road", Places: "place_label"} {
		d := Describe("http://here", set, nil, nil)
		found := false
		for _, l := range d.VectorLayers {
			found = found || l.ID == layer
		}
		if !found || d.Tiles[0] != "http://here/tiles/"+set+"/{z}/{x}/{y}.mvt" {
			t.Errorf("%s: %+v", set, d)
		}
	}
}
