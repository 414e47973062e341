package load

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/paulmach/orb"

	"onepicture/geo"
)

// The zooms between which clients move, and the size of their view in tiles: a screen of 1920 × 1080 shows 4 × 3 tiles
// of 512 points.
const (
	outermost, innermost = 6, 17
	viewWide, viewHigh   = 4, 3
	deepestBuilt         = 16 // the base map and the places are stretched beyond
)

// remembered is how many tiles a browser's cache holds here.
const remembered = 300

// walker is one person before the map: what is shown, where, and what the browser has kept.
type walker struct {
	atlas  *atlas
	r      *rand.Rand
	spot   *spot
	at     orb.Point
	zoom   int
	sets   []string // parts of tile addresses after /tiles/
	query  string   // filter or time window of the thematic sets
	themes int      // so many of the sets are thematic; they come first
	kept   map[string]string
}

func newWalker(a *atlas, seed uint64) *walker {
	w := &walker{atlas: a, r: rand.New(rand.NewPCG(seed, 0x0e9)), kept: map[string]string{}}
	w.choose()
	w.arrive()
	return w
}

// What people filter by.
var (
	peopleFilters = []string{"age >= 80", "age < 7", "gender = 'female' and age between 20 and 49", "care in ('disabled', 'living_alone')"}
	eventFilters  = []string{"level <= 2", "channel = 'patrol' and status = 'open'", "channel = 'resident'", "level = 1 and status = 'open'"}
)

// choose decides what this person looks at: most leave the page as it opens, others turn layers on, look at several in
// one tile, or filter.
func (w *walker) choose() {
	pick := func(from []string) string { return from[w.r.IntN(len(from))] }
	switch n := w.r.IntN(20); {
	case n < 11:
		w.sets = append(w.sets, w.atlas.shown...)
	case n < 15:
		a, b, c := pick(w.atlas.layers), pick(w.atlas.people), pick(w.atlas.events)
		w.sets = append(w.sets, b+","+c)
		if a != b && a != c {
			w.sets = append(w.sets, a)
		}
	case n < 17 && w.atlas.filters:
		w.sets = append(w.sets, pick(w.atlas.people))
		w.query = "?filter=" + url.QueryEscape(pick(peopleFilters))
	case n < 19:
		w.sets = append(w.sets, pick(w.atlas.events))
		w.query = "?filter=" + url.QueryEscape(pick(eventFilters))
	default:
		hour := time.Now().UTC().Truncate(time.Hour)
		w.sets = append(w.sets, pick(w.atlas.events))
		w.query = "?" + url.Values{"from": {hour.AddDate(0, 0, -7).Format(time.RFC3339)}, "to": {hour.Format(time.RFC3339)}}.Encode()
	}
	w.themes = len(w.sets)
	w.sets = append(w.sets, "places", "base")
}

// arrive begins at some village, found by its name, or with the whole city before it.
func (w *walker) arrive() {
	w.spot = w.atlas.anySpot(w.r)
	w.zoom, w.at = outermost+w.r.IntN(4), w.atlas.bound.Center()
	if w.r.IntN(2) == 0 {
		w.zoom, w.at = 12+w.r.IntN(4), w.spot.at
	}
}

// move is what people do with a map: mostly they go on inward to a village, look around there, go out again, and leave.
func (w *walker) move() {
	switch n := w.r.IntN(20); {
	case n < 5: // what is shown is asked for again, as when a change was announced
	case n < 12 && w.zoom < innermost:
		w.zoom++
		w.at = w.spot.at
	case n < 15:
		shift := 360 / float64(uint(1)<<w.zoom)
		w.at = orb.Point{w.at[0] + shift*(w.r.Float64()*4-2), w.at[1] + shift*(w.r.Float64()*3-1.5)}
		if !w.atlas.bound.Contains(w.at) {
			w.at = w.spot.at
		}
	case n < 19 && w.zoom > outermost:
		w.zoom--
	default:
		w.arrive()
	}
}

// view are the tiles of the present view that can hold something.
func (w *walker) view() []geo.Tile {
	z := uint8(w.zoom)
	x, y := geo.KeyOf(w.at[0], w.at[1]).XY()
	x, y = x>>(32-z), y>>(32-z)
	var out []geo.Tile
	for dy := range viewHigh {
		for dx := range viewWide {
			t := geo.Tile{Z: z, X: x + uint32(dx) - viewWide/2, Y: y + uint32(dy) - viewHigh/2}
			if t.Valid() && t.Bound().Intersects(w.atlas.bound) {
				out = append(out, t)
			}
		}
	}
	return out
}

// requests are the tiles that the view needs, with what the browser has kept of them.
func (w *walker) requests() []request {
	var out []request
	for _, t := range w.view() {
		for i, set := range w.sets {
			if i >= w.themes && t.Z > deepestBuilt {
				continue
			}
			path := "/tiles/" + set + "/" + t.String() + ".mvt"
			if i < w.themes {
				path += w.query
			}
			out = append(out, request{method: http.MethodGet, path: path, etag: w.kept[path]})
		}
	}
	return out
}

// keep remembers a tile as a browser does, and forgets some other when there are too many.
func (w *walker) keep(path, etag string) {
	if len(w.kept) >= remembered {
		for old := range w.kept {
			delete(w.kept, old)
			break
		}
	}
	w.kept[path] = etag
}

// question is one of the panels' requests.
func (w *walker) question() (kind, request) {
	s := w.spot
	get := func(k kind, path string) (kind, request) { return k, request{method: http.MethodGet, path: path} }
	switch n := w.r.IntN(20); {
	case n < 6:
		code := s.town
		if w.r.IntN(2) == 0 {
			code = s.code
		}
		return get(figures, "/api/places/"+code+"/figures")
	case n < 8:
		return get(ranking, "/api/places/all/figures")
	case n < 13:
		if w.r.IntN(3) == 0 {
			return get(latest, "/api/events?status=open&limit=50")
		}
		return get(latest, "/api/events?status=open&limit=50&place="+s.town)
	case n < 16:
		at := w.r.IntN(len(s.name))
		return get(search, "/api/places?limit=10&q="+url.QueryEscape(string(s.name[at:min(at+2, len(s.name))])))
	case n < 18 || !w.atlas.polygons:
		return get(place, "/api/places/"+s.code)
	}
	return polygon, polygonRequest(s.near(w.r), 0.005+0.02*w.r.Float64())
}

// polygonRequest counts in a square; size in degrees from its middle.
func polygonRequest(at orb.Point, size float64) request {
	b := orb.Bound{Min: at, Max: at}.Pad(size)
	body := fmt.Sprintf(`{"area":{"type":"Polygon","coordinates":[[[%.6f,%.6f],[%.6f,%.6f],[%.6f,%.6f],[%.6f,%.6f],[%.6f,%.6f]]]}}`,
		b.Min[0], b.Min[1], b.Max[0], b.Min[1], b.Max[0], b.Max[1], b.Min[0], b.Max[1], b.Min[0], b.Min[1])
	return request{method: http.MethodPost, path: "/api/count", body: []byte(body)}
}
