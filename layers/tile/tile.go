// Package tile builds vector tiles from the index: cells with counts where there is much, features where there is
// little. Every tile is bounded whatever the data, and nothing is dropped: the cells sum to the exact number.
package tile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"time"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/filter"
	"onepicture/layers/index"
)

// The budget of a tile.
const (
	MaxFeatures = 2000
	MaxBytes    = 64 << 10 // packed, in any encoding but Plain
	MaxLayers   = 16
	cellDepth   = 6 // 64 × 64 cells
)

// The two built-in tile sets beside the thematic layers.
const (
	Base   = "base"
	Places = "places"
)

// Source gives what is not in the index; the store does.
type Source interface {
	Features(ctx context.Context, scope layers.Scope, kind layers.Kind, ids []int64, t geo.Tile, buffer int) (map[int64]layers.Feature, error)
	Base(ctx context.Context, t geo.Tile) ([]byte, error)
	Places(ctx context.Context, t geo.Tile) ([]byte, error)
}

// Request is one tile as one scope may see it.
type Request struct {
	Set      string          // Base or Places; else empty
	Layers   []*layers.Layer // thematic layers, when Set is empty
	Tile     geo.Tile
	Scope    layers.Scope
	Filter   *filter.Filter // of the layers' kind; nil: all
	From, To time.Time      // of events: reported at From or later and before To; zero: any time
	At       time.Time      // of events: open at that time, whose status is then not told; zero: any. Without Filter
	Past     []filter.Parts // with At: the conditions of each layer, since the index knows only who is in it now
	Today    time.Time      // civil date for ages
}

// Version is the position of the last change inside the tile that could change a byte of it, on that snapshot.
func (r Request) Version(s *index.Snapshot) layers.Position {
	if r.Set != "" {
		return s.Configured()
	}
	var v layers.Position
	for i, l := range r.Layers {
		mask, known := uint64(0), false
		for j, other := range r.Layers {
			if other.Kind == l.Kind {
				known = known || j < i
				mask |= 1 << other.Bit
			}
		}
		if !r.At.IsZero() {
			mask, v = 0, max(v, s.Configured()) // also what is in none of them now
		}
		if known {
			continue
		}
		if r.Scope.Rounds(l.Kind) {
			v = max(v, s.Released())
		}
		// Beyond the records a square may be larger than the tile: then it is what counts.
		v = max(v, s.Version(l.Kind, mask, viewOf(l.Kind, index.Seen, r.Tile, 0).counted))
	}
	return v
}

// Key names the tile's bytes at a version in an encoding: layers, tile, version, what the scope means, filter, window,
// encoding. Equal keys mean equal bytes; no personal value is in it.
func (r Request) Key(v layers.Position, e Encoding) string {
	b := append(make([]byte, 0, 160), "tile2|"...)
	b = append(b, r.Set...)
	for _, l := range r.Layers {
		b = append(append(b, l.Code...), ',')
	}
	b = appendNumbers(append(b, '|'), '/', uint64(r.Tile.Z), uint64(r.Tile.X), uint64(r.Tile.Y))
	b = appendNumbers(append(b, '|'), '|', uint64(v))
	b = append(append(b, '|'), r.Scope.Class()...)
	b = append(append(b, '|'), r.Filter.Key()...)
	b = append(b, '|')
	if !r.From.IsZero() || !r.To.IsZero() {
		b = strconv.AppendInt(append(strconv.AppendInt(b, r.From.Unix(), 10), '-'), r.To.Unix(), 10)
	}
	if !r.At.IsZero() {
		b = strconv.AppendInt(append(b, '@'), int64(layers.Minutes(r.At)), 10)
	}
	// At midnight ages and the validity of places change without a change in the ledger.
	b = strconv.AppendInt(append(b, '|'), int64(layers.Days(r.Today)), 10)
	return string(append(append(b, '|'), e.String()...))
}

func appendNumbers(b []byte, between byte, list ...uint64) []byte {
	for i, n := range list {
		if i > 0 {
			b = append(b, between)
		}
		b = strconv.AppendUint(b, n, 10)
	}
	return b
}

// ETag is the weak tag of a key, and so of one encoding. It is weak since another release of the server may pack the
// same tile into other bytes.
func ETag(key string) string {
	sum := sha256.Sum256([]byte(key))
	b := append(make([]byte, 0, 28), `W/"`...)
	return string(append(hex.AppendEncode(b, sum[:12]), '"'))
}

// Builder builds tiles.
type Builder struct {
	source    Source
	catalogue func() *layers.Catalogue
}

// NewBuilder is a builder over a source and the present catalogue.
func NewBuilder(s Source, catalogue func() *layers.Catalogue) *Builder {
	return &Builder{source: s, catalogue: catalogue}
}

// Build makes the tile from the snapshot and packs it (Zstd); no bytes when it is empty. A tile that is too large packed
// is made again of coarser cells.
func (b *Builder) Build(ctx context.Context, s *index.Snapshot, r Request) ([]byte, error) {
	var raw []byte
	var err error
	switch r.Set {
	case Base:
		raw, err = b.source.Base(ctx, r.Tile)
	case Places:
		raw, err = b.source.Places(ctx, r.Tile)
	default:
		return b.bounded(ctx, s, r, Zstd)
	}
	if err != nil || len(raw) == 0 {
		return nil, err
	}
	return Pack(Zstd, raw)
}

func (b *Builder) bounded(ctx context.Context, s *index.Snapshot, r Request, e Encoding) ([]byte, error) {
	for depth := uint8(cellDepth); ; depth-- {
		raw, err := b.thematic(ctx, s, r, depth)
		if err != nil || len(raw) == 0 {
			return nil, err
		}
		packed, err := Pack(e, raw)
		if err != nil || len(packed) <= MaxBytes || depth == 0 {
			return packed, err
		}
	}
}

// thematic writes each layer as features while the budget lasts, else as cells; what may only be counted always as
// cells. Below the finest depth, after a tile that was too large, there are no features.
func (b *Builder) thematic(ctx context.Context, s *index.Snapshot, r Request, depth uint8) (raw []byte, err error) {
	left := MaxFeatures
	for i, l := range r.Layers {
		q := r.query(i)
		out := newLayer(l.Code)
		if sight := r.Scope.Sight(l.Kind); l.Kind == layers.KindPerson {
			b.cells(out, s, q, r.Tile, depth)
		} else {
			var rows []index.Row
			fits := false
			if depth == cellDepth {
				rows, fits = s.Scan(q, r.Tile, left)
			}
			q.Part = index.Records
			if !fits {
				b.cells(out, s, q, r.Tile, depth)
			} else if err := b.features(ctx, out, r, l.Kind, rows); err != nil {
				return nil, fmt.Errorf("draw layer %s: %w", l.Code, err)
			}
			left -= len(rows)
			if q.Part = index.Beyond; !sight.Records.All && !sight.Counts.Nowhere() {
				b.cells(out, s, q, r.Tile, depth)
			}
		}
		raw = out.appendTo(raw)
	}
	return raw, nil
}

func (r Request) query(i int) index.Query {
	l := r.Layers[i]
	q := index.Query{Kind: l.Kind, Layers: 1 << l.Bit, Scope: r.Scope, Unsorted: l.Kind == layers.KindPerson}
	if !r.Filter.All() {
		parts := r.Filter.Parts(r.Today)
		q.Filter = &parts
	}
	if l.Kind != layers.KindEvent {
		return q
	}
	if !r.At.IsZero() {
		q.OpenAt, q.Layers, q.Filter = layers.Minutes(r.At), 0, &r.Past[i]
	}
	if !r.From.IsZero() {
		q.From, q.To = layers.Minutes(r.From), math.MaxInt32
	}
	if !r.To.IsZero() {
		q.To = layers.Minutes(r.To)
		if r.From.IsZero() {
			q.From = math.MinInt32
		}
	}
	return q
}

// features writes single sites or events with their published attributes.
func (b *Builder) features(ctx context.Context, out *mvtLayer, r Request, kind layers.Kind, rows []index.Row) error {
	if len(rows) == 0 {
		return nil
	}
	ids := make([]int64, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	found, err := b.source.Features(ctx, r.Scope, kind, ids, r.Tile, buffer)
	if err != nil {
		return err
	}
	c := b.catalogue()
	lo, hi := r.Tile.Range()
	for i := range rows {
		row := &rows[i]
		f := found[row.ID]
		var kindOf uint8
		var commands []uint32
		drawn := false
		if f.Geom != nil {
			kindOf, commands, drawn = shapeCommands(f.Geom)
		}
		if !drawn { // a point, or too small to be seen here: then at its location
			if row.Key < lo || row.Key > hi {
				continue // that is in another tile
			}
			kindOf, commands = typePoint, pointCommands(r.Tile.Project(row.Key))
		}
		tagRow(out, c, kind, row, f.Name, r.At.IsZero())
		out.add(row.ID, kindOf, commands)
	}
	return nil
}

// tagRow tells of a row; the step that an event has reached only if that is asked for as it is now.
func tagRow(out *mvtLayer, c *layers.Catalogue, kind layers.Kind, row *index.Row, name string, now bool) {
	if name != "" {
		out.tag("name", text(name))
	}
	if k := c.Class(kind, row.Class); k != nil {
		out.tag(map[layers.Kind]string{layers.KindSite: "class", layers.KindEvent: "category"}[kind], text(k.Code))
	}
	switch kind {
	case layers.KindSite:
		out.tag("status", text(layers.SiteStatuses[row.Status]))
	case layers.KindEvent:
		if now {
			out.tag("status", text(layers.Statuses[row.Status]))
		}
		out.tag("level", integer(int(row.Level)))
		if it := c.Item(row.Item); it != nil {
			out.tag("item", text(it.Code))
		}
		if row.Due != 0 {
			out.tag("due", integer(int(row.Due)*60)) // seconds since 1970: the page knows what is overdue now
		}
		out.tag("at", integer(int(row.Time)*60))
	}
}
