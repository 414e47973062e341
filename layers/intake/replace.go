package intake

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	locationsSQL = map[layers.Kind]string{
		layers.KindPerson: sql.Text("intake/locations_person.sql"),
		layers.KindSite:   sql.Text("intake/locations_site.sql"),
		layers.KindEvent:  sql.Text("intake/locations_event.sql"),
	}
	moveSQL = map[layers.Kind]string{
		layers.KindPerson: sql.Text("intake/move_person.sql"),
		layers.KindSite:   sql.Text("intake/move_site.sql"),
		layers.KindEvent:  sql.Text("intake/move_event.sql"),
	}
)

// replaceRows is how many features are looked at in one step.
const replaceRows = 50_000

// replace finds the place of every feature anew after the boundaries changed, and moves those for which it differs.
// It costs about a second a million features. A run that ends before this is done is not "done": the next one does it.
func (r *run) replace(ctx context.Context) error {
	w, err := readWorld(ctx, r.Pool, layers.KindPlace)
	if err != nil {
		return ledger.Problem("places", err)
	}
	r.world = w // of the files that follow
	for _, k := range layers.Kinds {
		after := int64(0)
		for {
			n, last, err := r.replaceStep(ctx, w, k, after)
			if err != nil {
				return ledger.Problem("places", err)
			}
			if n < replaceRows {
				break
			}
			after = last
		}
	}
	return nil
}

func (r *run) replaceStep(ctx context.Context, w *world, k layers.Kind, after int64) (n int, last int64, err error) {
	rows, err := r.Pool.Query(ctx, locationsSQL[k], after, replaceRows)
	if err != nil {
		return 0, 0, fmt.Errorf("read locations: %w", err)
	}
	var id int64
	var lon, lat float64
	var old int32
	var ids []int64
	var places []int32
	_, err = pgx.ForEachRow(rows, []any{&id, &lon, &lat, &old}, func() error {
		n++
		last = id
		place, _, ok := w.areas.Find(lon, lat)
		if !ok {
			place = 0
		}
		if place != old {
			ids, places = append(ids, id), append(places, place)
		}
		return nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("read locations: %w", err)
	}
	if len(ids) == 0 {
		return n, last, nil
	}
	r.summary.Moved += int64(len(ids))
	_, err = r.Ledger.Write(ctx, ledger.Act{Actor: r.Actor, Reason: "places changed"}, func(tx *ledger.Tx) error {
		if _, err := tx.Exec(ctx, moveSQL[k], ids, places); err != nil {
			return fmt.Errorf("move features: %w", err)
		}
		tx.Record(layers.Change{Kind: k, Op: layers.OpBatch, IDs: rangesOf(ids), Fields: []string{"place_id"}})
		return nil
	})
	return n, last, err
}
