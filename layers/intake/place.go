package intake

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/wkb"

	"onepicture/geo"
)

// mostPlaces bounds one import of places, which is held in memory: a city has some thousands.
const mostPlaces = 500_000

// unit is a row of places on its way in.
type unit struct {
	prepared
	code, parent string
	level        int
	name, nameEn string
	from, to     time.Time // to is zero: still valid
	shape        orb.MultiPolygon
	label        *orb.Point
	areaM2       *float64
	id, parentID int32
	fresh        bool
}

var firstDay = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)

// readUnits maps all rows of a file of places.
func (r *run) readUnits(ctx context.Context, f *file) ([]unit, error) {
	rd, err := r.open(f.path)
	if err != nil {
		return nil, err
	}
	defer rd.Close() //nolint:errcheck // it was only read
	plan, err := newPlan(r.mapping, r.world, rd.Header())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	prep := &preparer{plan: plan, frame: r.frame, db: r.Pool}
	var units []unit
	b := &batch{}
	for {
		row, err := rd.Next()
		end := errors.Is(err, io.EOF)
		if err != nil && !end {
			return nil, err
		}
		if !end {
			w := raw{number: row.Number, values: slices.Clone(row.Values), shape: row.Geometry, repairs: slices.Clone(row.Repairs)}
			if row.Err != nil {
				w.fault = &fault{row.Err.Column, row.Err.Class, row.Err.Reason}
			}
			b.raw = append(b.raw, w)
		}
		if len(b.raw) == 500 || end {
			if units, err = prep.units(ctx, b, units); err != nil {
				return nil, err
			}
			b = &batch{}
		}
		if end {
			return units, nil
		}
		if len(units) > mostPlaces {
			return nil, fmt.Errorf("%s: more than %d places", f.name, mostPlaces)
		}
	}
}

func (p *preparer) units(ctx context.Context, b *batch, units []unit) ([]unit, error) {
	b.rows, b.at = make([]prepared, len(b.raw)), make([]orb.Geometry, len(b.raw))
	for i := range b.raw {
		w, out := &b.raw[i], &b.rows[i]
		out.number, out.repairs, out.fault = w.number, w.repairs, w.fault
		if out.fault == nil {
			out.fault = p.plan.refused(w.values)
		}
		if out.fault == nil && p.plan.mapping.Location.Geometry {
			b.at[i], out.fault = p.boundary(w.shape)
		}
	}
	if err := p.toWGS84(ctx, b); err != nil {
		return nil, err
	}
	if err := p.validate(ctx, b); err != nil {
		return nil, err
	}
	for i := range b.raw {
		u := unit{prepared: b.rows[i]}
		if u.fault == nil {
			u.fault = p.plan.place(&u, b.raw[i].values)
		}
		if u.fault == nil && b.at[i] != nil {
			u.setShape(b.at[i])
		}
		if u.fault == nil {
			u.digest()
		}
		units = append(units, u)
	}
	return units, nil
}

func (p *preparer) boundary(g orb.Geometry) (orb.Geometry, *fault) {
	switch g := g.(type) {
	case nil:
		return nil, bad("", faultLocation, "the row has no boundary; for places without boundaries say location.none = true")
	case orb.Polygon, orb.MultiPolygon:
		return g, p.frame.checkShape(g)
	}
	return nil, bad("", faultGeometry, "a place needs an area, this is a %s", g.GeoJSONType())
}

// place maps the fields of a place.
func (p *plan) place(u *unit, values []string) (f *fault) {
	for _, t := range []struct {
		name string
		into *string
	}{{"code", &u.code}, {"parent", &u.parent}, {"name", &u.name}, {"nameEn", &u.nameEn}} {
		if *t.into, f = p.optional(t.name, values); f != nil {
			return f
		}
	}
	if u.level, f = p.fields["level"].number(p, values, 0, 1, 4); f != nil {
		return f
	}
	digits := 12
	if u.level == 4 {
		digits = 15
	}
	if !isCode(u.code, digits) {
		return bad(p.fields["code"].shown, faultCode, "the code of a place of level %d has %d digits", u.level, digits)
	}
	if u.parent == "" && u.level > 1 {
		return bad("", faultMissing, "a place below a city needs the code of its parent")
	}
	u.from = firstDay
	for name, into := range map[string]*time.Time{"validFrom": &u.from, "validTo": &u.to} {
		if r := p.fields[name]; r != nil {
			day, ok, f := r.day(p, values)
			if f != nil {
				return f
			}
			if ok {
				*into = day
			}
		}
	}
	if !u.to.IsZero() && !u.to.After(u.from) {
		return bad(p.fields["validTo"].shown, faultOrder, "valid until before it is valid from")
	}
	return nil
}

func isCode(s string, digits int) bool {
	if len(s) != digits {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func (u *unit) setShape(g orb.Geometry) {
	switch g := g.(type) {
	case orb.Polygon:
		u.shape = orb.MultiPolygon{g}
	case orb.MultiPolygon:
		u.shape = g
	}
	if label, ok := geo.LabelPoint(u.shape); ok {
		u.label = &label
	}
	area := geo.AreaM2(u.shape)
	u.areaM2 = &area
}

// digest is over all that is put.
func (u *unit) digest() {
	h := sha256.New()
	fmt.Fprintf(h, "%q %d %q %q %q %d %d", u.code, u.level, u.parent, u.name, u.nameEn, u.from.Unix(), u.to.Unix())
	if u.shape != nil {
		if b, err := wkb.Marshal(u.shape, binary.LittleEndian); err == nil {
			h.Write(b)
		} else {
			u.fault = bad("", faultGeometry, "the shape cannot be encoded")
		}
	}
	copy(u.hash[:], h.Sum(nil))
}

// overlaps tells whether the validities of two places share a day.
func overlaps(from, to, from2, to2 time.Time) bool {
	return (to2.IsZero() || from.Before(to2)) && (to.IsZero() || from2.Before(to))
}
