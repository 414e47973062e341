package store

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/index"
	"onepicture/layers/scoped"
	"onepicture/sql"
)

var locationsSQL = map[layers.Kind]string{
	layers.KindPerson: sql.Text("store/locations_person.sql"),
	layers.KindSite:   sql.Text("store/locations_site.sql"),
	layers.KindEvent:  sql.Text("store/locations_event.sql"),
}

// CountIn counts within an area exactly: by the index, and the few whose keys stand on the border by their locations in
// the database. Without the database these are counted by their keys, which are within 6 mm of them.
func (s *Store) CountIn(ctx context.Context, snap *index.Snapshot, q index.Query, ranges []geo.Range, exact *geo.Prepared) int {
	n, unsure := snap.CountIn(q, ranges, exact)
	if len(unsure) == 0 {
		return n
	}
	inside := make(map[int64]bool, len(unsure))
	ids := make([]int64, len(unsure))
	for i, u := range unsure {
		ids[i], inside[u.ID] = u.ID, u.Inside
	}
	// The index has chosen them under the scope, which may count where it sees no records; only the number leaves here.
	rows, err := scoped.On(s.reads, layers.Internal("count")).Query(ctx, locationsSQL[q.Kind], ids)
	if err == nil {
		var id, position int64
		var lon, lat float64
		_, err = pgx.ForEachRow(rows, []any{&id, &lon, &lat, &position}, func() error {
			if layers.Position(position) > snap.Position() {
				return nil // it has moved or changed since
			}
			if is := exact.Contains(lon, lat); is && !inside[id] {
				n++
			} else if !is && inside[id] {
				n--
			}
			return nil
		})
	}
	if err != nil && ctx.Err() == nil {
		slog.WarnContext(ctx, "who stands on an area's border is counted by keys", "features", len(unsure), "error", err)
	}
	return n
}
