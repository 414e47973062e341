package store

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/index"
)

// While writers go on: every picture that the follower made is what the ledger alone says of its position, and a
// tile's version tells from one picture to another whether something in the tile has changed.
func TestEveryPictureIsWhatTheLedgerSays(t *testing.T) {
	c := newCity(t, 77)
	var pictures []*index.Snapshot
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			changed := c.Index().Changed()
			if s := c.Index().Snapshot(); len(pictures) == 0 || pictures[len(pictures)-1].Position() < s.Position() {
				pictures = append(pictures, s)
			}
			select {
			case <-changed:
			case <-end:
				return
			}
		}
	}()
	c.run(6, 150, true)
	close(end)
	<-ended
	if len(pictures) < 20 {
		t.Fatalf("only %d pictures", len(pictures))
	}
	c.r.Shuffle(len(pictures), func(i, j int) { pictures[i], pictures[j] = pictures[j], pictures[i] })
	pictures = pictures[:20]
	slices.SortFunc(pictures, func(a, b *index.Snapshot) int { return int(a.Position()) - int(b.Position()) })
	for _, s := range pictures {
		for _, kind := range []layers.Kind{layers.KindPerson, layers.KindEvent} {
			c.compareWithLedger(s, kind)
		}
	}
	rises, stays := 0, 0
	for _, kind := range []layers.Kind{layers.KindPerson, layers.KindEvent} {
		told := c.told(kind)
		for i := range pictures[1:] {
			for range 20 {
				risen := c.compareVersions(pictures[i], pictures[i+1], kind, told)
				rises += risen
				stays += 1 - risen
			}
		}
	}
	if rises < 50 || stays < 50 {
		t.Errorf("%d tiles rose and %d stayed: the scene shows too little", rises, stays)
	}
}

// compareWithLedger puts the picture together from the last change of each feature.
func (c *city) compareWithLedger(s *index.Snapshot, kind layers.Kind) {
	c.t.Helper()
	const text = `
		with latest as (
			select distinct on (feature_id) op, record, new_geom
			from change
			where kind = $1 and position <= $2::text::xid8
			order by feature_id, seq desc
		)
		select format('place %s', record->>'place'), count(*) from latest where op = 'put' group by 1
		union all
		select format('class %s status %s', coalesce(record->>'class', '0'), coalesce(record->>'status', '0')), count(*) from latest where op = 'put' group by 1
		union all
		select format('cell %s %s', floor((st_x(p) / 40075016.685578488 + 0.5) * 262144), floor((0.5 - st_y(p) / 40075016.685578488) * 262144)), count(*)
		from (select st_transform(new_geom, 3857) p from latest where op = 'put') l group by 1`
	tx, err := c.pool.Begin(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	want := c.counted(tx, text, string(kind), s.Position().String())
	if err := tx.Rollback(c.t.Context()); err != nil {
		c.t.Error(err)
	}
	got := map[string]int{}
	q := index.Query{Kind: kind, Scope: layers.Internal("test")}
	for tile := range tilesOf(want) {
		for _, cell := range s.Cells(q, tile, index.CellDepth) {
			got[fmt.Sprint("cell ", tile.X<<index.CellDepth+cell.X, " ", tile.Y<<index.CellDepth+cell.Y)] += cell.N
		}
	}
	for _, r := range s.Latest(q, s.Len(kind), 0, 0) {
		got[fmt.Sprint("place ", r.Place)]++
		got[fmt.Sprint("class ", r.Class, " status ", r.Status)]++
	}
	if d := cmp.Diff(want, got); d != "" {
		c.t.Fatalf("%ss at %d: (- ledger, + picture)\n%s", kind, s.Position(), d)
	}
}

// tilesOf are the tiles of zoom 12 with cells of zoom 18 in them.
func tilesOf(counts map[string]int) map[geo.Tile]bool {
	out := map[geo.Tile]bool{}
	for key := range counts {
		var x, y uint32
		if n, err := fmt.Sscanf(key, "cell %d %d", &x, &y); n == 2 && err == nil {
			out[geo.Tile{Z: 12, X: x >> index.CellDepth, Y: y >> index.CellDepth}] = true
		}
	}
	return out
}

// told is a change as the ledger tells it.
type told struct {
	at       layers.Position
	old, new *layers.Location
}

func (c *city) told(kind layers.Kind) (out []told) {
	c.t.Helper()
	b, more, err := c.l.Since(c.t.Context(), 0, 1_000_000)
	if err != nil || more {
		c.t.Fatal(more, err)
	}
	for _, change := range b.Changes {
		if change.Kind == kind {
			out = append(out, told{change.Position, change.Old, change.New})
		}
	}
	return out
}

// compareVersions holds a random tile's version in two pictures against the changes between them; risen is 1 when it
// was another.
func (c *city) compareVersions(a, b *index.Snapshot, kind layers.Kind, list []told) (risen int) {
	c.t.Helper()
	lon, lat := c.somewhere(c.r)
	tile := geo.TileOf(geo.KeyOf(lon, lat), uint8(8+c.r.IntN(8)))
	mask := pickOf(c.r, []uint64{0, 1, 2, 4, 8, 3})
	touched := slices.ContainsFunc(list, func(x told) bool {
		return x.at > a.Position() && x.at <= b.Position() && (mask == 0 || (bitsOf(x.old)|bitsOf(x.new))&mask != 0) &&
			(within(tile, x.old) || within(tile, x.new))
	})
	q := index.Query{Kind: kind, Scope: layers.Internal("test"), Layers: mask}
	before, _ := a.Scan(q, tile, 1<<20)
	after, _ := b.Scan(q, tile, 1<<20)
	differs := !slices.Equal(before, after)
	was, is := a.Version(kind, mask, tile), b.Version(kind, mask, tile)
	switch {
	case differs && is == was:
		c.t.Errorf("tile %v of %ss (layers %b) changed from %d to %d and is still at %d", tile, kind, mask, a.Position(), b.Position(), is)
	case !touched && !differs && is != was: // of two changes in the other order than their positions one is told where it is no longer
		c.t.Errorf("tile %v of %ss (layers %b) did not change from %d to %d and went from %d to %d", tile, kind, mask, a.Position(), b.Position(), was, is)
	case is < was || is > b.Position():
		c.t.Errorf("tile %v of %ss went from %d to %d at %d", tile, kind, was, is, b.Position())
	}
	if is != was {
		return 1
	}
	return 0
}

func bitsOf(l *layers.Location) uint64 {
	if l == nil {
		return 0
	}
	return l.Layers
}

func within(tile geo.Tile, l *layers.Location) bool {
	if l == nil {
		return false
	}
	p, ok := l.Geom.(orb.Point)
	return ok && geo.TileOf(geo.KeyOf(p[0], p[1]), tile.Z) == tile
}
