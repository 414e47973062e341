package intake

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/wkb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/personal"
	"onepicture/sql"
)

var (
	transformPointsSQL = sql.Text("intake/transform_points.sql")
	transformShapesSQL = sql.Text("intake/transform_shapes.sql")
	invalidSQL         = sql.Text("intake/invalid.sql")
)

// raw is a row as the reader gave it.
type raw struct {
	number  int64
	values  []string
	shape   orb.Geometry
	fault   *fault
	repairs []string
}

// prepared is a row ready to be put, or set aside with its fault.
type prepared struct {
	number      int64
	fault       *fault
	repairs     []string
	key         string
	mark        mark
	hash        [16]byte
	order       geo.Key // rows are put in this order: neighbours on the map become neighbours on disk
	data        []byte  // a tuple
	secrets     []secret
	sealed      bool  // it ends with the id of the key by which it is sealed
	place       int32 // 0: in none
	outside     bool
	overlapping bool
	twice       bool // its local time came twice that day; the first was taken
}

// batch travels from the reader through a worker to the assembler.
type batch struct {
	raw  []raw
	rows []prepared
	at   []orb.Geometry // in WGS 84, by row; nil for rows with a fault
	done chan struct{}
	err  error
}

// preparer turns raw rows into prepared ones; safe for concurrent use.
type preparer struct {
	plan  *plan
	frame *frame
	db    queryer
	keys  *personal.Keys
	now   time.Time
}

func (p *preparer) prepare(ctx context.Context, b *batch) error {
	b.rows, b.at = make([]prepared, len(b.raw)), make([]orb.Geometry, len(b.raw))
	orig := make([]orb.Point, len(b.raw))
	for i := range b.raw {
		r, out := &b.raw[i], &b.rows[i]
		out.number, out.repairs, out.fault = r.number, r.repairs, r.fault
		if out.fault == nil {
			out.fault = p.plan.refused(r.values)
		}
		if out.fault == nil {
			b.at[i], out.fault = p.locate(r)
		}
		if out.fault == nil {
			orig[i] = firstPoint(b.at[i])
		}
	}
	if err := p.toWGS84(ctx, b); err != nil {
		return err
	}
	if err := p.validate(ctx, b); err != nil {
		return err
	}
	var t tuple
	t.b = make([]byte, 0, 256*len(b.raw))
	for i := range b.raw {
		out := &b.rows[i]
		if out.fault != nil {
			continue
		}
		from := len(t.b)
		if out.fault = p.encode(&t, &b.raw[i], out, b.at[i], orig[i]); out.fault != nil {
			t.b = t.b[:from]
			continue
		}
		out.data = t.b[from:len(t.b):len(t.b)]
	}
	b.raw, b.at = nil, nil
	return nil
}

// locate is the row's location in the file's own coordinates, checked against the declared system.
func (p *preparer) locate(r *raw) (orb.Geometry, *fault) {
	if p.plan.x < 0 {
		if r.shape == nil {
			return nil, bad("", faultLocation, "the row has no geometry")
		}
		if _, point := r.shape.(orb.Point); !point && p.plan.mapping.kind != layers.KindSite {
			return nil, bad("", faultGeometry, "a %s needs a point, this is a %s", p.plan.mapping.kind, r.shape.GeoJSONType())
		}
		if f := p.frame.checkShape(r.shape); f != nil {
			return nil, f
		}
		return r.shape, nil
	}
	var at orb.Point
	for axis, i := range [2]int{p.plan.x, p.plan.y} {
		s, f := p.plan.value(r.values, i)
		if f != nil {
			return nil, f
		}
		if s == "" {
			return nil, bad(p.plan.header[i], faultLocation, "there is no coordinate")
		}
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return nil, bad(p.plan.header[i], faultNumber, "the coordinate is not a number")
		}
		at[axis] = v
	}
	if f := p.frame.check(at[0], at[1]); f != nil {
		f.column = p.plan.header[p.plan.x]
		return nil, f
	}
	return at, nil
}

// toWGS84 converts the locations of a batch: the four datums here, every other system set-wise in PostGIS.
func (p *preparer) toWGS84(ctx context.Context, b *batch) error {
	if p.frame.datum == geo.DatumWGS84 {
		return nil
	}
	if p.frame.datum != "" {
		for i, g := range b.at {
			if g != nil && b.rows[i].fault == nil {
				b.at[i] = eachPoint(g, func(q orb.Point) orb.Point {
					w := p.frame.datum.ToWGS84(q[0], q[1])
					return orb.Point{w.Lon, w.Lat}
				})
			}
		}
		return nil
	}
	return transform(ctx, p.db, b.at, p.frame.epsg)
}

// transform replaces the geometries, given in an EPSG system, by those in WGS 84. nil stays nil.
func transform(ctx context.Context, db queryer, shapes []orb.Geometry, epsg int) error {
	var xs, ys []float64
	var points, others []int
	var bytes [][]byte
	for i, g := range shapes {
		switch g := g.(type) {
		case nil:
		case orb.Point:
			points, xs, ys = append(points, i), append(xs, g[0]), append(ys, g[1])
		default:
			b, err := wkb.Marshal(g, binary.LittleEndian)
			if err != nil {
				return fmt.Errorf("encode a shape: %w", err)
			}
			others, bytes = append(others, i), append(bytes, b)
		}
	}
	if len(points) > 0 {
		rows, err := db.Query(ctx, transformPointsSQL, xs, ys, epsg)
		if err != nil {
			return fmt.Errorf("transform from EPSG:%d: %w", epsg, err)
		}
		var q orb.Point
		n := 0
		if _, err = pgx.ForEachRow(rows, []any{&q[0], &q[1]}, func() error { shapes[points[n]] = q; n++; return nil }); err != nil {
			return fmt.Errorf("transform from EPSG:%d: %w", epsg, err)
		}
	}
	if len(others) == 0 {
		return nil
	}
	rows, err := db.Query(ctx, transformShapesSQL, bytes, epsg)
	if err != nil {
		return fmt.Errorf("transform from EPSG:%d: %w", epsg, err)
	}
	var g orb.Geometry
	n := 0
	if _, err = pgx.ForEachRow(rows, []any{&g}, func() error { shapes[others[n]] = g; n++; return nil }); err != nil {
		return fmt.Errorf("transform from EPSG:%d: %w", epsg, err)
	}
	return nil
}

// RepairTouching is the repair of rings that touch themselves, in a point or along a line of no width.
const RepairTouching = "self-touching ring"

// validate sets aside lines and areas that are not valid (OGC Simple Features 1.2.1, 6.1.11), by PostGIS. An area whose
// rings only touch themselves is repaired: what is inside is certain when the area by the rings' direction equals
// that by even and odd crossings, so that no part is inside twice, as it would be in a loop or an overlap.
func (p *preparer) validate(ctx context.Context, b *batch) error {
	var which []int
	var encoded [][]byte
	for i, g := range b.at {
		if _, point := g.(orb.Point); point || g == nil {
			continue
		}
		bytes, err := wkb.Marshal(g, binary.LittleEndian)
		if err != nil {
			return fmt.Errorf("encode a shape: %w", err)
		}
		which, encoded = append(which, i), append(encoded, bytes)
	}
	if len(which) == 0 {
		return nil
	}
	rows, err := p.db.Query(ctx, invalidSQL, encoded)
	if err != nil {
		return fmt.Errorf("validate shapes: %w", err)
	}
	var n int
	var reason string
	var mended orb.Geometry
	_, err = pgx.ForEachRow(rows, []any{&n, &reason, &mended}, func() error {
		i := which[n]
		if mended != nil {
			b.at[i] = mended
			b.rows[i].repairs = append(b.rows[i].repairs, RepairTouching)
		} else if b.rows[i].fault == nil {
			b.rows[i].fault = bad("", faultGeometry, "the shape is not valid: %s; its meaning is not certain, so it is not repaired", reason)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("validate shapes: %w", err)
	}
	return nil
}

// encode maps the fields of a located row into a tuple.
func (p *preparer) encode(t *tuple, r *raw, out *prepared, shape orb.Geometry, orig orb.Point) *fault {
	var wkbKey []byte
	if p.plan.mapping.ContentKey && p.plan.x < 0 {
		b, err := wkb.Marshal(shape, binary.LittleEndian)
		if err != nil {
			return bad("", faultGeometry, "the shape cannot be encoded")
		}
		wkbKey = b
	}
	var f *fault
	if out.key, f = p.plan.keyOf(r.values, wkbKey); f != nil {
		return f
	}
	kind := p.plan.mapping.kind
	if kind == layers.KindPerson {
		out.key = p.keys.RowKey(out.key) // it is often an identity number
	}
	anchor := anchorOf(shape)
	if f := p.plausible(anchor); f != nil {
		return f
	}
	id, overlaps, ok := p.plan.world.areas.Find(anchor[0], anchor[1])
	out.outside, out.overlapping, out.order = !ok, overlaps > 0, geo.KeyOf(anchor[0], anchor[1])
	p.begin(t)
	from := len(t.b) - atHead
	t.text(out.key)
	var n notes
	var updated time.Time
	department := 0
	switch kind {
	case layers.KindPerson:
		f = p.plan.person(t, r.values, p.keys)
	case layers.KindSite:
		updated, f = p.plan.site(t, r.values, &n)
	default:
		department, f = p.plan.event(t, r.values, &n)
	}
	if f != nil {
		return f
	}
	if err := t.shape(shape); err != nil {
		return bad("", faultGeometry, "the shape cannot be encoded")
	}
	if kind == layers.KindSite {
		t.point(anchor)
	}
	p.original(t, orig)
	sum := p.digest(t.b[from+atHead:], updated)
	copy(out.hash[:], sum[:])
	if kind == layers.KindSite {
		if updated.IsZero() {
			updated = p.now
		}
		t.time(updated)
	}
	if ok {
		out.place = id
		t.int4(int(id))
	} else {
		t.null()
	}
	switch {
	case department != 0:
		t.int2(department)
	case kind == layers.KindEvent:
		t.null()
	}
	t.bytes(out.hash[:])
	out.secrets, out.sealed = t.secrets, kind == layers.KindPerson || len(t.secrets) > 0
	switch {
	case out.sealed:
		t.int8(0)
	case kind == layers.KindEvent:
		t.null()
	}
	out.twice = n.twice > 0
	out.mark = markOf(out.key, binary.BigEndian.Uint32(sum[:]))
	return nil
}

// digest tells whether a row's content is what it was. Where that may be personal it is made under a key: else whoever
// reads it could try values.
func (p *preparer) digest(content []byte, updated time.Time) [32]byte {
	if p.plan.mapping.kind != layers.KindSite {
		return p.keys.Content(content)
	}
	h := sha256.New()
	h.Write(content)
	if !updated.IsZero() {
		fmt.Fprint(h, updated.UnixMicro())
	}
	return [32]byte(h.Sum(nil))
}

func (p *preparer) begin(t *tuple) { t.begin(len(tables[p.plan.mapping.kind].columns)) }

// plausible catches what the declared system cannot: degrees of WGS 84 fit the world either way round, but if only
// the swapped point lies where the places are, the axes are swapped.
func (p *preparer) plausible(at orb.Point) *fault {
	b := p.plan.world.bound
	if b.IsEmpty() {
		return nil
	}
	b = b.Pad(0.5)
	if p.frame.degrees && !b.Contains(at) && b.Contains(orb.Point{at[1], at[0]}) {
		return bad("", faultSwapped, "longitude and latitude look swapped: the point turned round lies among the places")
	}
	return nil
}

// original keeps the coordinates as delivered when they were not WGS 84; of a line or an area, those of its first
// vertex.
func (p *preparer) original(t *tuple, at orb.Point) {
	if p.frame.datum == geo.DatumWGS84 {
		t.null()
		t.null()
		t.null()
		return
	}
	if p.frame.datum != "" {
		t.text(string(p.frame.datum))
	} else {
		t.text(p.frame.name)
	}
	t.float8(at[0])
	t.float8(at[1])
}

// contentKey identifies a row by all that it holds.
func contentKey(values []string, columns []int, shape []byte) string {
	h := sha256.New()
	var size [4]byte
	for _, i := range columns {
		v := trim(values[i])
		binary.BigEndian.PutUint32(size[:], uint32(len(v)))
		h.Write(size[:])
		h.Write([]byte(v))
	}
	h.Write(shape)
	return fmt.Sprintf("%x", h.Sum(nil)[:16])
}

func firstPoint(g orb.Geometry) (first orb.Point) {
	found := false
	eachPoint(g, func(p orb.Point) orb.Point {
		if !found {
			first, found = p, true
		}
		return p
	})
	return first
}

// anchorOf is the location by which a shape is counted and found: the point itself, a point well inside the largest
// area, or the middle vertex of the longest line.
func anchorOf(g orb.Geometry) orb.Point {
	switch g := g.(type) {
	case orb.Point:
		return g
	case orb.Polygon:
		if p, ok := geo.LabelPoint(orb.MultiPolygon{g}); ok {
			return p
		}
	case orb.MultiPolygon:
		if p, ok := geo.LabelPoint(g); ok {
			return p
		}
	case orb.LineString:
		if len(g) > 0 {
			return g[len(g)/2]
		}
	case orb.MultiLineString:
		longest := orb.LineString{}
		for _, l := range g {
			if len(l) > len(longest) {
				longest = l
			}
		}
		if len(longest) > 0 {
			return longest[len(longest)/2]
		}
	}
	return firstPoint(g)
}
