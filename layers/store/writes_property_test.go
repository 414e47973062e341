package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/paulmach/orb"

	"onepicture/layers"
	"onepicture/layers/index"
	"onepicture/layers/ledger"
)

// crowd is how many of the latest ids of a kind writers choose from: few enough that they meet. Ids are never used
// again, as the database's own are not.
const crowd = 300

// fresh is an id that was never used.
func (c *city) fresh(kind layers.Kind) int64 { return c.ids[slices.Index(layers.Kinds, kind)].Add(1) }

// known is an id that was used; the feature may be gone.
func (w *writer) known(kind layers.Kind) int64 {
	last := w.ids[slices.Index(layers.Kinds, kind)].Load()
	return last - w.r.Int64N(min(last, crowd-1)+1)
}

// writer makes random changes through the ledger, as the doors do.
type writer struct {
	*city
	r    *rand.Rand
	last layers.Position
}

// run lets several writers make so many changes each, at once, and returns when the index has seen the last.
func (c *city) run(writers, writes int, plain bool) {
	c.t.Helper()
	ctx, stop := context.WithTimeout(c.t.Context(), time.Minute)
	defer stop()
	var all sync.WaitGroup
	list := make([]*writer, writers)
	for i := range list {
		list[i] = &writer{city: c, r: rand.New(rand.NewPCG(c.r.Uint64(), 5))}
		all.Go(func() {
			for range writes {
				list[i].step(ctx, plain)
			}
		})
	}
	all.Wait()
	for _, w := range list {
		if err := c.Wait(ctx, w.last); err != nil {
			c.t.Fatal(err)
		}
	}
}

// step is one change; a plain one is told to the ledger whole, feature by feature.
func (w *writer) step(ctx context.Context, plain bool) {
	kind := pickOf(w.r, layers.Kinds)
	switch n := w.r.IntN(100); {
	case n < 3 && !plain:
		w.layer(ctx)
	case n < 5 && !plain:
		w.boundary(ctx)
	case n < 10 && !plain:
		w.batch(ctx, kind)
	case n < 25:
		w.remove(ctx, kind)
	default:
		w.put(ctx, kind)
	}
}

var errRolledBack = errors.New("rolled back")

func (w *writer) write(ctx context.Context, fn func(tx *ledger.Tx) error) {
	w.t.Helper()
	r, err := w.l.Write(ctx, ledger.Act{Actor: "w", Reason: "r"}, func(tx *ledger.Tx) error {
		if w.r.IntN(4) == 0 { // take a position and let others pass
			if _, err := tx.Exec(ctx, `select pg_current_xact_id(), pg_sleep($1)`, w.r.Float64()/100); err != nil {
				return err
			}
		}
		if err := fn(tx); err != nil {
			return err
		}
		if w.r.IntN(10) == 0 {
			return errRolledBack
		}
		return nil
	})
	if err != nil && !errors.Is(err, errRolledBack) {
		w.t.Errorf("write: %v", err)
	}
	w.last = max(w.last, r.Position)
}

var lockThing = map[layers.Kind]string{
	layers.KindPerson: `select geom from person where id = $1 for update`,
	layers.KindSite:   `select geom from site where id = $1 for update`,
	layers.KindEvent:  `select geom from event where id = $1 for update`,
}

// locked is the feature as it is, its row locked; nil when there is none.
func (w *writer) locked(ctx context.Context, tx *ledger.Tx, kind layers.Kind, id int64) (*layers.Location, *index.Put, error) {
	rows, err := tx.Query(ctx, lockThing[kind], id)
	if err != nil {
		return nil, nil, err
	}
	var old *layers.Location
	for rows.Next() {
		var g orb.Geometry
		if err := rows.Scan(&g); err != nil {
			return nil, nil, err
		}
		old = &layers.Location{Geom: frameOf(g)}
	}
	if rows.Err() != nil || old == nil {
		return nil, nil, rows.Err()
	}
	puts, err := readRows(ctx, tx.Conn(), kind, ids(id, id), nil)
	if err != nil {
		return nil, nil, err
	}
	old.Place, old.Layers = puts[0].Record.Place, w.LayersOf(kind, &puts[0].Record)
	return old, &puts[0], nil
}

func frameOf(g orb.Geometry) orb.Geometry {
	if g.Dimensions() == 0 {
		return g
	}
	return g.Bound()
}

// put makes a feature, moves it, or changes what it is where it is.
func (w *writer) put(ctx context.Context, kind layers.Kind) {
	x := w.random(w.r, kind)
	stay, born := w.r.IntN(2) == 0, w.r.IntN(3) == 0
	if x.id = w.known(kind); born {
		x.id = w.fresh(kind)
	}
	w.write(ctx, func(tx *ledger.Tx) error {
		old, was, err := w.locked(ctx, tx, kind, x.id)
		if err != nil || was == nil && !born {
			return err
		}
		if !born && stay {
			if err := tx.QueryRow(ctx, whereThing[kind], x.id).Scan(&x.geom, &x.point); err != nil {
				return err
			}
			x.place = was.Record.Place
		}
		if err := x.put(ctx, tx); err != nil {
			return err
		}
		record := x.record()
		tx.Record(layers.Change{
			Kind: kind, Op: layers.OpPut, FeatureID: x.id, Record: record, Old: old,
			New: &layers.Location{Geom: frameOf(x.geom), Place: x.place, Layers: w.LayersOf(kind, record)},
		})
		return nil
	})
}

var whereThing = map[layers.Kind]string{
	layers.KindPerson: `select geom, geom from person where id = $1`,
	layers.KindSite:   `select geom, anchor from site where id = $1`,
	layers.KindEvent:  `select geom, geom from event where id = $1`,
}

func (w *writer) remove(ctx context.Context, kind layers.Kind) {
	id := w.known(kind)
	w.write(ctx, func(tx *ledger.Tx) error {
		old, was, err := w.locked(ctx, tx, kind, id)
		if err != nil || was == nil {
			return err
		}
		if _, err := tx.Exec(ctx, map[layers.Kind]string{
			layers.KindPerson: `delete from person where id = $1`,
			layers.KindSite:   `delete from site where id = $1`,
			layers.KindEvent:  `delete from event where id = $1`,
		}[kind], id); err != nil {
			return err
		}
		tx.Record(layers.Change{Kind: kind, Op: layers.OpDelete, FeatureID: id, Old: old})
		return nil
	})
}

// batch imports many at once, old ones and new ones: followers read the rows again.
func (w *writer) batch(ctx context.Context, kind layers.Kind) {
	old := max(1, w.known(kind)-20)
	ids := []layers.IDRange{{First: old, Last: old + 20}}
	for range 20 {
		id := w.fresh(kind)
		ids = append(ids, layers.IDRange{First: id, Last: id})
	}
	w.write(ctx, func(tx *ledger.Tx) error {
		for i, span := range ids {
			for id := span.First; id <= span.Last; id++ {
				x := w.random(w.r, kind)
				x.id = id
				if i == 0 {
					if _, was, err := w.locked(ctx, tx, kind, id); err != nil {
						return err
					} else if was == nil {
						continue
					}
				}
				if err := x.put(ctx, tx); err != nil {
					return err
				}
			}
		}
		tx.Record(layers.Change{Kind: kind, Op: layers.OpBatch, IDs: ids})
		return nil
	})
}

// layer gives a layer another filter.
func (w *writer) layer(ctx context.Context) {
	kind := pickOf(w.r, layers.Kinds)
	code, text := fmt.Sprint(kind, w.r.IntN(4)), pickOf(w.r, cityFilters[kind])
	w.write(ctx, func(tx *ledger.Tx) error {
		var id int64
		if err := tx.QueryRow(ctx, `update layer set filter = $2 where code = $1 returning id`, code, text).Scan(&id); err != nil {
			return err
		}
		tx.Record(layers.Change{Kind: layers.KindLayer, Op: layers.OpPut, FeatureID: id})
		return nil
	})
}

// boundary moves the border of a place; then the features whose place is another one now are put into it.
func (w *writer) boundary(ctx context.Context) {
	id := 2 + w.r.IntN(w.places-1)
	lon, lat := w.somewhere(w.r)
	shape := orb.MultiPolygon{{ragged(w.r, lon, lat, 0.03+0.1*w.r.Float64())}}
	w.write(ctx, func(tx *ledger.Tx) error {
		w.shape(ctx, tx, id, shape)
		tx.Record(layers.Change{Kind: layers.KindPlace, Op: layers.OpPut, FeatureID: int64(id)})
		return nil
	})
	if err := w.Wait(ctx, w.last); err != nil {
		w.t.Error(err)
		return
	}
	for _, kind := range layers.Kinds {
		w.rehouse(ctx, kind)
	}
}

func (w *writer) rehouse(ctx context.Context, kind layers.Kind) {
	w.write(ctx, func(tx *ledger.Tx) error {
		puts, err := readRows(ctx, tx.Conn(), kind, ids(1, 1<<30), nil)
		if err != nil {
			return err
		}
		// In the order in which a batch locks, so that the two do not wait for each other.
		slices.SortFunc(puts, func(a, b index.Put) int { return int(a.Record.ID - b.Record.ID) })
		var ids []layers.IDRange
		for i := range puts {
			r := &puts[i].Record
			place := w.PlaceAt(r.Key.LonLat())
			if place == r.Place {
				continue
			}
			_, now, err := w.locked(ctx, tx, kind, r.ID)
			if err != nil {
				return err
			}
			if now == nil {
				continue
			}
			if _, err := tx.Exec(ctx, map[layers.Kind]string{
				layers.KindPerson: `update person set place_id = nullif($2::int4, 0), position = pg_current_xact_id() where id = $1`,
				layers.KindSite:   `update site set place_id = nullif($2::int4, 0), position = pg_current_xact_id() where id = $1`,
				layers.KindEvent:  `update event set place_id = nullif($2::int4, 0), position = pg_current_xact_id() where id = $1`,
			}[kind], r.ID, place); err != nil {
				return err
			}
			ids = append(ids, layers.IDRange{First: r.ID, Last: r.ID})
		}
		if len(ids) > 0 {
			tx.Record(layers.Change{Kind: kind, Op: layers.OpBatch, IDs: ids})
		}
		return nil
	})
}
