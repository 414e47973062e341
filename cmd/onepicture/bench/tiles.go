package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/index"
	"onepicture/layers/tile"
)

func (r *run) layer(code string) (*layers.Layer, index.Query, error) {
	l := r.store.Catalogue().Layer(code)
	if l == nil {
		return nil, index.Query{}, errors.New("the city has no layer " + code)
	}
	return l, index.Query{Kind: l.Kind, Layers: 1 << l.Bit, Scope: r.scope}, nil
}

// cityTile is row 1.
func (r *run) cityTile(ctx context.Context) (Row, error) {
	row, base, size, err := r.against(ctx, "people_working", 8, math.MaxInt32)
	ratio := float64(base) / float64(max(row.P50, 1))
	row.Target = "≤ 30 ms, ≤ 64 KiB, ≥ 700 × ST_AsMVT"
	row.Met = verdict(row.P50 <= 30*time.Millisecond && size <= 64<<10 && ratio >= 700)
	return row, err
}

// townTile is row 2.
func (r *run) townTile(ctx context.Context) (Row, error) {
	row, _, _, err := r.against(ctx, "people_working", 14, 13_000)
	row.Target, row.Met = "≤ 3 ms", verdict(row.P50 <= 3*time.Millisecond)
	return row, err
}

// mostSites is the layer of sites with the most features.
func (r *run) mostSites() (code string) {
	most := -1
	counts := r.snap.Figures(layers.KindSite, r.scope, 0)
	for _, l := range r.store.Catalogue().Layers {
		if l.Kind == layers.KindSite && counts.Layer[l.Bit] > most {
			code, most = l.Code, counts.Layer[l.Bit]
		}
	}
	return code
}

// siteTile is row 3.
func (r *run) siteTile(ctx context.Context) (Row, error) {
	row, base, _, err := r.against(ctx, r.mostSites(), 16, 300)
	row.Target, row.Met = "≤ 1.5 × ST_AsMVT's time", verdict(float64(row.P50) <= 1.5*float64(base))
	return row, err
}

// mvtSQL are ST_AsMVT's rows with the attributes that our tile has; the condition follows.
var mvtSQL = map[layers.Kind]string{
	layers.KindPerson: "select id, class, gender, st_asmvtgeom(st_transform(geom, 3857), st_tileenvelope(%d, %d, %d), 4096, 64) g from person where ",
	layers.KindSite:   "select id, name, class, status, st_asmvtgeom(st_transform(geom, 3857), st_tileenvelope(%d, %d, %d), 4096, 64) g from site where ",
}

// against builds a tile cold in both ways, and checks that both hold the same number of features.
func (r *run) against(ctx context.Context, code string, z uint8, near int) (row Row, base time.Duration, size int, err error) {
	l, q, err := r.layer(code)
	if err != nil {
		return row, 0, 0, err
	}
	t, n := r.busiest(q, z, near)
	where, args, err := r.where(l, &t)
	if err != nil {
		return row, 0, 0, err
	}
	var counted int
	location := map[layers.Kind]string{layers.KindPerson: "geom", layers.KindSite: "anchor"}[l.Kind]
	// A tile holds its west and north borders, not the others.
	exact := fmt.Sprintf("select count(*) from %s where %s and st_x(%s) >= $2 and st_x(%s) < $4 and st_y(%s) > $3 and st_y(%s) <= $5", l.Kind, where, location, location, location, location)
	if err := r.pool.QueryRow(ctx, exact, args...).Scan(&counted); err != nil {
		return row, 0, 0, fmt.Errorf("count: %w", err)
	}
	sum := 0
	for _, c := range r.snap.Cells(q, t, index.CellDepth) {
		sum += c.N
	}
	if sum != counted || n != counted {
		return row, 0, 0, fmt.Errorf("tile %s: the cells sum to %d, the tile has %d, SQL counts %d", t, sum, n, counted)
	}
	request := tile.Request{Layers: []*layers.Layer{l}, Tile: t, Scope: r.scope, Today: r.store.Today()}
	var packed []byte
	ours, err := repeat(500, r.Within, func() (err error) {
		packed, err = r.tiles.Build(ctx, r.snap, request)
		return err
	})
	if err != nil {
		return row, 0, 0, err
	}
	text := "select coalesce(length(st_asmvt(f, '" + code + "', 4096, 'g', 'id')), 0) from (" + fmt.Sprintf(mvtSQL[l.Kind], t.Z, t.X, t.Y) + where + ") f"
	var raw int
	theirs, err := repeat(200, r.Within, func() error { return r.pool.QueryRow(ctx, text, args...).Scan(&raw) })
	if err != nil {
		return row, 0, 0, fmt.Errorf("st_asmvt: %w", err)
	}
	base = percentile(theirs, 0.5)
	row = Row{
		What: fmt.Sprintf("cold tile %s of %s, %d features, scope on", t, code, n),
		P50:  percentile(ours, 0.5), P99: percentile(ours, 0.99), Ours: fmt.Sprintf("%d B zstd", len(packed)),
		Baseline: fmt.Sprintf("ST_AsMVT %s / %s, %d B", short(base), short(percentile(theirs, 0.99)), raw),
	}
	row.Ratio = times(base, row.P50)
	return row, base, len(packed), nil
}

// ring is a wavy shape of 1,000 vertices around a point; size in degrees of longitude.
func ring(at orb.Point, size float64) orb.MultiPolygon {
	const n = 1000
	out := make(orb.Ring, 0, n+1)
	for i := range n {
		angle := 2 * math.Pi * float64(i) / n
		d := size * (1 + 0.2*math.Sin(7*angle) + 0.03*math.Sin(61*angle))
		out = append(out, orb.Point{at[0] + d*math.Cos(angle), at[1] + 0.9*d*math.Sin(angle)})
	}
	return orb.MultiPolygon{{append(out, out[0])}}
}

// nearDegrees is twice the 9 mm to which the index rounds locations: only there may SQL decide otherwise.
const nearDegrees = 2e-7

// polygon is row 6.
func (r *run) polygon(ctx context.Context) (Row, error) {
	l, q, err := r.layer("people_working")
	if err != nil {
		return Row{}, err
	}
	t, _ := r.busiest(q, 14, math.MaxInt32)
	share := r.snap.Count(q) * 366 / 10_000
	shape, lo, hi := orb.MultiPolygon{}, 0.001, 0.3
	count := func() int { return r.store.CountIn(ctx, r.snap, q, geo.Cover(shape, 7), geo.Prepare(shape)) }
	for range 24 { // to some centimetres, so that the border comes to lie on the address at which the count jumps
		middle := (lo + hi) / 2
		if shape = ring(t.Bound().Center(), middle); count() < share {
			lo = middle
		} else {
			hi = middle
		}
	}
	n := 0
	ours, err := repeat(500, r.Within, func() error { n = count(); return nil })
	if err != nil {
		return Row{}, err
	}
	where, args, err := r.where(l, nil)
	if err != nil {
		return Row{}, err
	}
	args = append(args, shape)
	at := fmt.Sprintf("$%d::geometry", len(args))
	var counted, near int
	theirs, err := repeat(20, r.Within, func() error {
		return r.pool.QueryRow(ctx, "select count(*) from person where st_contains("+at+", geom) and "+where, args...).Scan(&counted)
	})
	if err != nil {
		return Row{}, fmt.Errorf("st_contains: %w", err)
	}
	if n != counted {
		if err := r.pool.QueryRow(ctx, fmt.Sprintf("select count(*) from person where st_dwithin(st_boundary(%s), geom, %g) and %s", at, nearDegrees, where), args...).Scan(&near); err != nil {
			return Row{}, fmt.Errorf("count on the border: %w", err)
		}
		if d := max(n-counted, counted-n); d > near {
			return Row{}, fmt.Errorf("%d inside, SQL counts %d, and only %d stand on the border", n, counted, near)
		}
	}
	row := Row{
		What: fmt.Sprintf("count in a polygon of 1,000 vertices, %d inside, layer and scope on", n),
		P50:  percentile(ours, 0.5), P99: percentile(ours, 0.99), Ours: fmt.Sprintf("differs from SQL by %d, of %d people within 2 cm of the border", max(n-counted, counted-n), near),
		Baseline: "ST_Contains " + short(percentile(theirs, 0.5)) + " / " + short(percentile(theirs, 0.99)), Target: "≤ 10 ms, exact",
	}
	row.Ratio, row.Met = times(percentile(theirs, 0.5), row.P50), verdict(row.P50 <= 10*time.Millisecond && n == counted)
	return row, nil
}

// villages is row 7. SQL counts one layer only, ours all of them.
func (r *run) villages(ctx context.Context) (Row, error) {
	l, _, err := r.layer("people_working")
	if err != nil {
		return Row{}, err
	}
	counts := map[layers.Kind][]index.PlaceCounts{}
	ours, err := repeat(500, r.Within, func() error {
		for _, k := range layers.Kinds {
			counts[k] = r.snap.FiguresByPlace(k, r.scope)
		}
		return nil
	})
	if err != nil {
		return Row{}, err
	}
	where, args, err := r.where(l, nil)
	if err != nil {
		return Row{}, err
	}
	got := map[layers.PlaceID]int{}
	theirs, err := repeat(5, r.Within, func() error {
		clear(got)
		rows, err := r.pool.Query(ctx, "select p.parent_id, c.n from (select place_id, count(*) n from person where "+where+" group by 1) c join place p on p.id = c.place_id", args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var village layers.PlaceID
			var n int
			if err := rows.Scan(&village, &n); err != nil {
				return err
			}
			got[village] += n
		}
		return rows.Err()
	})
	if err != nil {
		return Row{}, fmt.Errorf("group by: %w", err)
	}
	tree, n := r.snap.Tree(), 0
	for o := range int32(tree.Len()) {
		if p := tree.At(o); p.Level == 3 {
			n++
			if c := counts[l.Kind][o].Layer[l.Bit]; c != got[p.ID] {
				return Row{}, fmt.Errorf("village %s: %d, SQL counts %d", p.Code, c, got[p.ID])
			}
		}
	}
	row := Row{
		What: fmt.Sprintf("every layer's count for %d villages", n), P50: percentile(ours, 0.5), P99: percentile(ours, 0.99),
		Baseline: "SQL group by, one layer " + short(percentile(theirs, 0.5)), Target: "≤ 50 ms",
	}
	row.Ratio, row.Met = times(percentile(theirs, 0.5), row.P50), verdict(row.P50 <= 50*time.Millisecond)
	return row, nil
}
