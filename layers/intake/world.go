package intake

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/sql"
)

var (
	codesSQL = sql.Text("intake/codes.sql")
	itemsSQL = sql.Text("intake/items.sql")
	areasSQL = sql.Text("intake/areas.sql")
)

// world is what rows are checked against: the catalogue's codes and the places, as they were when the run began.
type world struct {
	codes map[string]map[string]int // by field: class, category, care, …
	items map[string]item
	areas *geo.Areas
	bound orb.Bound // of all places; empty without any
}

type item struct {
	id, class, level int
	department       int // 0: no department's
	deadline         time.Duration
}

type queryer interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func readWorld(ctx context.Context, q queryer, kind layers.Kind) (*world, error) {
	w := &world{codes: map[string]map[string]int{
		"gender": {}, "care": {}, "status": {}, "channel": {}, "class": {}, "category": {}, "item": {},
	}, items: map[string]item{}}
	for code, n := range layers.Genders {
		w.codes["gender"][code] = int(n)
	}
	statuses := layers.SiteStatuses[:]
	if kind == layers.KindEvent {
		statuses = layers.Statuses[:layers.StatusMerged] // merging is an officer's, not a feed's
	}
	for i, code := range statuses {
		w.codes["status"][code] = i
	}
	for i, code := range layers.Channels {
		w.codes["channel"][code] = i
	}
	if err := w.readCodes(ctx, q, kind); err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	var err error
	if w.areas, w.bound, err = readAreas(ctx, q); err != nil {
		return nil, fmt.Errorf("read places: %w", err)
	}
	return w, nil
}

func (w *world) readCodes(ctx context.Context, q queryer, kind layers.Kind) error {
	rows, err := q.Query(ctx, codesSQL, string(kind))
	if err != nil {
		return err
	}
	var set, code string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&set, &code, &n}, func() error {
		w.codes[set][code] = n
		return nil
	})
	if err != nil || kind != layers.KindEvent {
		return err
	}
	w.codes["category"], w.codes["class"] = w.codes["class"], map[string]int{}
	if rows, err = q.Query(ctx, itemsSQL); err != nil {
		return err
	}
	var hours int
	var i item
	_, err = pgx.ForEachRow(rows, []any{&code, &i.id, &i.class, &i.level, &hours, &i.department}, func() error {
		i.deadline = time.Duration(hours) * time.Hour
		w.items[code] = i
		w.codes["item"][code] = i.id
		return nil
	})
	return err
}

// readAreas reads the boundaries of the places valid today.
func readAreas(ctx context.Context, q queryer) (*geo.Areas, orb.Bound, error) {
	rows, err := q.Query(ctx, areasSQL)
	if err != nil {
		return nil, orb.Bound{}, err
	}
	var areas []geo.Area
	var a geo.Area
	bound := orb.Bound{Min: orb.Point{1, 1}, Max: orb.Point{-1, -1}}
	_, err = pgx.ForEachRow(rows, []any{&a.ID, &a.Code, &a.Rank, &a.AreaM2, &a.Shape}, func() error {
		areas = append(areas, a)
		if b := a.Shape.Bound(); len(areas) == 1 {
			bound = b
		} else {
			bound = bound.Union(b)
		}
		a = geo.Area{}
		return nil
	})
	if err != nil {
		return nil, bound, err
	}
	return geo.NewAreas(areas), bound, nil
}

// checkCodes refuses a mapping whose constant, default or code table gives a code that the catalogue has not: all its
// rows would be set aside.
func (w *world) checkCodes(r *reading) error {
	if r.value != valueCode && r.value != valueCodes {
		return nil
	}
	known := w.codes[r.name]
	given := []string{r.Default}
	if r.table == nil {
		given = append(given, r.Const)
	}
	for _, to := range r.table {
		given = append(given, to)
	}
	slices.Sort(given)
	for _, code := range given {
		if _, ok := known[code]; !ok && code != "" {
			return fmt.Errorf("%q is not in the catalogue; it has %s", cut(code, 40), codeNames(known))
		}
	}
	return nil
}

func codeNames(known map[string]int) string {
	names := make([]string, 0, len(known))
	for c := range known {
		names = append(names, c)
	}
	if len(names) == 0 {
		return "none: load a catalogue first"
	}
	slices.Sort(names)
	if len(names) > 20 {
		names = append(names[:20], "…")
	}
	return strings.Join(names, ", ")
}
