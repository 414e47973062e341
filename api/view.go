package api

import (
	"cmp"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/paulmach/orb"

	"onepicture/layers"
	"onepicture/layers/audit"
)

// Maybe is a value or null. (A pointer to an object would be described as never null.)
type Maybe[T any] struct{ value *T }

// Some is a value that is there.
func Some[T any](v T) Maybe[T] { return Maybe[T]{&v} }

// MarshalJSON writes the value or null.
func (m Maybe[T]) MarshalJSON() ([]byte, error) { return json.Marshal(m.value) }

// UnmarshalJSON reads the value or null.
func (m *Maybe[T]) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &m.value) }

// Schema describes it to huma: the value's schema or null.
func (m Maybe[T]) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{r.Schema(reflect.TypeFor[T](), true, ""), {Type: "null"}}}
}

// LonLat is degrees in WGS 84.
type LonLat [2]float64

// Bounds is west, south, east, north in degrees, WGS 84.
type Bounds [4]float64

func boundsOf(b orb.Bound) Bounds { return Bounds{b.Min[0], b.Min[1], b.Max[0], b.Max[1]} }

// Named is a name in Chinese and in English.
type Named struct {
	Name   string `json:"name"`
	NameEn string `json:"nameEn"`
}

// PlaceRef is a place without its surroundings.
type PlaceRef struct {
	Code  string `json:"code" example:"441900003000"`
	Level uint8  `json:"level" minimum:"1" maximum:"4" doc:"1 city, 2 town, 3 village or community, 4 grid"`
	Named
	Label  Maybe[LonLat] `json:"label" doc:"Inner point; null when only the code is known"`
	Bounds Maybe[Bounds] `json:"bounds" doc:"West, south, east, north; null when only the code is known"`
}

func placeRef(p *layers.Place) PlaceRef {
	ref := PlaceRef{Code: p.Code, Level: p.Level, Named: Named{p.Name, p.NameEn}}
	if p.HasShape {
		ref.Label, ref.Bounds = Some(LonLat{round(p.Label[0]), round(p.Label[1])}), Some(boundsOf(p.Bound))
	}
	return ref
}

func placeRefs(list []*layers.Place) []PlaceRef {
	out := make([]PlaceRef, 0, len(list))
	for _, p := range list {
		out = append(out, placeRef(p))
	}
	return out
}

func maybePlace(t *layers.Tree, id layers.PlaceID) Maybe[PlaceRef] {
	if p := t.Place(id); p != nil {
		return Some(placeRef(p))
	}
	return Maybe[PlaceRef]{}
}

// placePath is the way to a place in words, without the city when there is something below it.
func placePath(t *layers.Tree, id layers.PlaceID) string {
	return joined(below(t.Path(id)), chineseName)
}

func chineseName(p *layers.Place) string { return p.Name }

// placePathEn is placePath in English, in Chinese where a place has no other name.
func placePathEn(t *layers.Tree, id layers.PlaceID) string {
	return joined(below(t.Path(id)), func(p *layers.Place) string { return cmp.Or(p.NameEn, p.Name) })
}

// below is a path without its root, which everybody knows.
func below(path []*layers.Place) []*layers.Place {
	if len(path) > 1 {
		return path[1:]
	}
	return path
}

func joined(path []*layers.Place, name func(*layers.Place) string) string {
	names := make([]string, len(path))
	for i, p := range path {
		names[i] = name(p)
	}
	return strings.Join(names, " › ")
}

// round keeps 1e-7°, a centimetre: more digits are noise.
func round(degrees float64) float64 { return math.Round(degrees*1e7) / 1e7 }

func utc(t time.Time) time.Time { return t.UTC() }

func maybeTime(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

func maybeString(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// count is a number as the scope may know it; null when it must not be told.
func count(scope layers.Scope, n int, rounded bool) *int {
	if told, ok := scope.Told(n, rounded); ok {
		return &told
	}
	return nil
}

func department(c *layers.Catalogue, id int16) Maybe[Named] {
	if d := c.Department(id); d != nil {
		return Some(Named{d.Name, d.NameEn})
	}
	return Maybe[Named]{}
}

func codeAt(codes []string, i uint8) string {
	if int(i) < len(codes) {
		return codes[i]
	}
	return "unknown"
}

// body is an answer whose JSON is T.
type body[T any] struct {
	Body T
}

// recorded is an answer that says what of it is to be recorded.
type recorded[T any] struct {
	Body T
	told audit.Entry
}

func (r *recorded[T]) deed() audit.Entry { return r.told }
