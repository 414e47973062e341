package api

import (
	"encoding/json"
	"log/slog"
	"math/bits"
	"strings"
	"time"

	"github.com/paulmach/orb"

	"onepicture/layers"
)

// Change is a committed change as the stream tells it.
type Change struct {
	Position string        `json:"position"`
	At       time.Time     `json:"at"`
	Kind     layers.Kind   `json:"kind"`
	Op       layers.Op     `json:"op"`
	ID       *int64        `json:"id"`
	Lon      *float64      `json:"lon"`
	Lat      *float64      `json:"lat"`
	Bounds   Maybe[Bounds] `json:"bounds"`
	Place    *string       `json:"place"`
	Category *string       `json:"category,omitempty"`
	Class    *string       `json:"class,omitempty"`
	Item     *string       `json:"item,omitempty"`
	Status   *string       `json:"status,omitempty"`
	Level    *uint8        `json:"level,omitempty"`
	Layers   []string      `json:"layers"`
	Count    *int64        `json:"count"`
}

// message is a change made ready for every scope.
type message struct {
	position layers.Position
	kind     layers.Kind
	old, new layers.PlaceID
	was, is  int16            // department that answered for it before, after; 0: none
	had, has bool             // it existed before, it exists after
	released []layers.IDRange // places whose numbers of persons were released
	full     []byte           // for those who see records where it is; nil for persons
	gone     []byte           // for those who only see records where it was
	counted  []byte           // of a batch, for those who count everywhere: also how many
	to       map[string]bool  // of an instruction: actors that it is told to wherever they are
	bare     []byte           // for those who see counts: that something changed, not what nor where
}

// data is what a scope is told; nil for nothing.
func (m *message) data(scope layers.Scope) []byte {
	switch m.kind {
	case layers.KindPerson, layers.KindSite, layers.KindEvent:
	case layers.KindPlace, layers.KindLayer, layers.KindCatalogue, layers.KindAlert: // everybody's
		return m.bare
	case layers.KindInstruction:
		if m.to[scope.Actor] || scope.Rights.Has(layers.RightHandle) && scope.Attends(m.new) {
			return m.full
		}
		return nil
	case layers.KindRelease:
		return bareIf(scope.Rounds(layers.KindPerson) && m.releases(scope), m)
	default:
		return nil
	}
	if scope.Rounds(m.kind) { // one person's change is not told before the numbers are released
		return bareIf(m.seen(scope) || m.saw(scope), m)
	}
	if !m.has && !m.had { // a batch, anywhere: how many is for those who count everywhere
		if s := scope.Sight(m.kind); s.Counts.All || s.Records.All {
			return m.counted
		}
		return bareIf(scope.Detail(m.kind) > layers.DetailNone, m)
	}
	switch {
	case m.full != nil && (m.seen(scope) || !m.has && m.saw(scope)):
		return m.full
	case m.full != nil && m.saw(scope):
		return m.gone
	}
	return bareIf(m.has && scope.Counts(m.kind, m.new) || m.had && scope.Counts(m.kind, m.old), m)
}

// seen tells whether the scope sees the feature after the change, saw whether it did before.
func (m *message) seen(scope layers.Scope) bool { return m.has && scope.Records(m.kind, m.new, m.is) }
func (m *message) saw(scope layers.Scope) bool  { return m.had && scope.Records(m.kind, m.old, m.was) }

// releases tells whether numbers of a place were released that the scope counts.
func (m *message) releases(scope layers.Scope) bool {
	for _, r := range m.released {
		for p := r.First; p <= r.Last; p++ {
			if scope.Counts(layers.KindPerson, layers.PlaceID(p)) {
				return true
			}
		}
	}
	return false
}

func bareIf(may bool, m *message) []byte {
	if may {
		return m.bare
	}
	return nil
}

// render makes the messages of a batch, in its order.
func render(b layers.Batch, c *layers.Catalogue, t *layers.Tree) []message {
	if len(b.Changes) == 0 {
		return nil
	}
	codes := layerCodes(c)
	out := make([]message, 0, len(b.Changes))
	for i := range b.Changes {
		out = append(out, renderOne(&b.Changes[i], c, t, codes))
	}
	return out
}

func layerCodes(c *layers.Catalogue) map[layers.Kind]*[64]string {
	codes := map[layers.Kind]*[64]string{}
	for i := range c.Layers {
		l := &c.Layers[i]
		if codes[l.Kind] == nil {
			codes[l.Kind] = new([64]string)
		}
		codes[l.Kind][l.Bit&63] = l.Code
	}
	return codes
}

func renderOne(c *layers.Change, catalogue *layers.Catalogue, t *layers.Tree, codes map[layers.Kind]*[64]string) message {
	m := message{position: c.Position, kind: c.Kind}
	v := Change{Position: c.Position.String(), At: utc(c.At), Kind: c.Kind, Op: c.Op, Layers: []string{}}
	var mask uint64
	at := c.New
	if c.Old != nil {
		m.had, m.old, m.was = true, c.Old.Place, c.Old.Department
		mask |= c.Old.Layers
		if c.New == nil {
			at = c.Old
		}
	}
	if c.New != nil {
		m.has, m.new, m.is = true, c.New.Place, c.New.Department
		mask |= c.New.Layers
	}
	if names := codes[c.Kind]; names != nil {
		for ; mask != 0; mask &= mask - 1 {
			if code := names[bits.TrailingZeros64(mask)]; code != "" {
				v.Layers = append(v.Layers, code)
			}
		}
	}
	if c.Op == layers.OpBatch {
		m.had, m.has = false, false
		n := int64(0)
		for _, r := range c.IDs {
			n += r.Last - r.First + 1
		}
		many := v
		many.Count = &n
		m.counted = encode(&many)
		if c.Kind == layers.KindRelease {
			m.released = c.IDs
		}
	}
	m.bare = encode(&v)
	if c.Kind == layers.KindInstruction {
		v.ID = &c.FeatureID
		m.full, m.to = encode(&v), map[string]bool{}
		for _, f := range c.Fields {
			if actor, ok := strings.CutPrefix(f, layers.ToActor); ok {
				m.to[actor] = true
			}
		}
		return m
	}
	if c.Op == layers.OpBatch || c.Kind != layers.KindSite && c.Kind != layers.KindEvent {
		return m
	}
	id := c.FeatureID
	v.ID = &id
	gone := v
	gone.Op = layers.OpDelete
	m.gone = encode(&gone)
	v.locate(at, t)
	if c.Op == layers.OpPut && c.Record != nil {
		v.describe(c.Record, catalogue)
	}
	m.full = encode(&v)
	return m
}

func (v *Change) locate(at *layers.Location, t *layers.Tree) {
	if at == nil {
		return
	}
	if p := t.Place(at.Place); p != nil {
		v.Place = &p.Code
	}
	switch g := at.Geom.(type) {
	case orb.Point:
		lon, lat := round(g[0]), round(g[1])
		v.Lon, v.Lat = &lon, &lat
	case orb.Bound:
		v.Bounds = Some(boundsOf(g))
	}
}

func (v *Change) describe(r *layers.Record, c *layers.Catalogue) {
	code := ""
	if k := c.Class(v.Kind, r.Class); k != nil {
		code = k.Code
	}
	if v.Kind == layers.KindSite {
		v.Class, v.Status = maybeString(code), maybeString(codeAt(layers.SiteStatuses[:], r.Status))
		return
	}
	level := r.Level
	v.Category, v.Level, v.Status = maybeString(code), &level, maybeString(codeAt(layers.Statuses[:], r.Status))
	if it := c.Item(r.Item); it != nil {
		v.Item = maybeString(it.Code)
	}
}

func encode(v *Change) []byte {
	b, err := json.Marshal(v)
	if err != nil { // only a number that is not finite could do that; the database holds none
		slog.Error("a change cannot be told", "position", v.Position, "kind", v.Kind)
		return nil
	}
	return b
}
