package intake

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	knownPlacesSQL = sql.Text("intake/known_places.sql")
	putPlaceSQL    = sql.Text("intake/put_place.sql")
	updatePlaceSQL = sql.Text("intake/update_place.sql")
	idsPlaceSQL    = sql.Text("intake/ids_place.sql")
	overlapSQL     = sql.Text("intake/overlap.sql")
)

// overlapM2 is the area from which two places of one level are said to overlap: less than a house, more than what
// rounding leaves along a shared boundary.
const overlapM2 = 1000

// places imports one file of places in one transaction: a tree is good as a whole or not at all. Then it tells
// overlaps and puts features whose place may have changed into their new one, in transactions of their own.
func (r *run) places(ctx context.Context, f *file, s *FileSummary) (err error) {
	out, err := newRejects(reportPath(r.ReportDir, f.path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.close(s)) }()
	units, err := r.readUnits(ctx, f)
	if err != nil {
		return err
	}
	var put []int32
	var done FileSummary
	_, err = r.Ledger.Write(ctx, ledger.Act{Actor: r.Actor, Reason: "import " + r.mapping.Source.Code}, func(tx *ledger.Tx) error {
		if r.DryRun {
			if err := r.putSource(ctx, tx); err != nil {
				return err
			}
		}
		put, done, err = r.plant(ctx, tx, units)
		if err != nil {
			return err
		}
		if r.DryRun {
			return errDryRun
		}
		return r.finishPlaces(ctx, tx, units, s.RunID, done)
	})
	if err != nil && !errors.Is(err, errDryRun) {
		return explain(err)
	}
	s.add(done)
	for i := range units {
		if units[i].fault != nil {
			if err := out.write(&units[i].prepared); err != nil {
				return err
			}
		}
	}
	r.report(Progress{File: f.name, Rows: s.Read, Total: f.rows, Bytes: f.size, Size: f.size}, true)
	if r.DryRun {
		return nil
	}
	if len(put) == 0 && !r.interrupted {
		return nil
	}
	if err := r.tellOverlaps(ctx, put); err != nil {
		return err
	}
	return r.replace(ctx)
}

func (r *run) finishPlaces(ctx context.Context, tx *ledger.Tx, units []unit, runID int64, done FileSummary) error {
	rows := make([]prepared, len(units))
	for i := range units {
		rows[i] = units[i].prepared
	}
	if err := putRejects(ctx, tx.Tx, runID, rows); err != nil {
		return err
	}
	if err := r.cut("written"); err != nil {
		return err
	}
	return r.count(ctx, tx.Tx, runID, done)
}

// planted is a place that is in the tree: stored before, or put now.
type planted struct {
	id       int32
	level    int
	source   int32
	from, to time.Time
	hash     []byte
	now      bool // by this file
}

// plant puts the units into the tree, parents first.
func (r *run) plant(ctx context.Context, tx *ledger.Tx, units []unit) (put []int32, s FileSummary, err error) {
	s = FileSummary{Repairs: map[string]int64{}, Faults: map[string]int64{}}
	tree, err := readPlanted(ctx, tx.Tx)
	if err != nil {
		return nil, s, err
	}
	order := make([]*unit, len(units))
	for i := range units {
		order[i] = &units[i]
	}
	slices.SortStableFunc(order, func(a, b *unit) int { return cmp.Compare(a.level, b.level) })
	var ids []int64
	var changed []*unit
	for _, u := range order {
		s.Read++
		var unchanged bool
		if u.fault == nil {
			unchanged, err = r.fit(ctx, tx.Tx, tree, u)
		}
		switch {
		case err != nil:
			return nil, s, err
		case u.fault != nil:
			s.Rejected++
			s.Faults[u.fault.class]++
			continue
		case unchanged:
			s.Unchanged++
		case u.fresh:
			s.New++
		default:
			s.Changed++
		}
		s.count(&u.prepared)
		if !unchanged {
			changed, put, ids = append(changed, u), append(put, u.id), append(ids, int64(u.id))
		}
	}
	s.Put = s.New + s.Changed
	if len(put) == 0 {
		return nil, s, nil
	}
	tx.Record(layers.Change{Kind: layers.KindPlace, Op: layers.OpBatch, IDs: rangesOf(ids)})
	return put, s, r.putUnits(ctx, tx.Tx, changed)
}

// fit finds where a unit belongs in the tree, or why it does not.
func (r *run) fit(ctx context.Context, tx pgx.Tx, tree map[string][]planted, u *unit) (unchanged bool, err error) {
	if u.parent != "" {
		i := slices.IndexFunc(tree[u.parent], func(p planted) bool {
			return p.level < u.level && overlaps(p.from, p.to, u.from, u.to)
		})
		if i < 0 {
			u.fault = bad("", faultTree, "its parent is not known at a higher level, or was set aside")
			return false, nil
		}
		u.parentID = tree[u.parent][i].id
	}
	for i := range tree[u.code] {
		p := &tree[u.code][i]
		if !overlaps(p.from, p.to, u.from, u.to) {
			continue
		}
		switch {
		case p.now && bytes.Equal(p.hash, u.hash[:]):
			u.fault = bad("", faultDuplicate, "an earlier row is equal")
		case p.now:
			u.fault = bad("", faultKey, "an earlier row has the same code at the same time")
		case p.source != r.source:
			u.fault = bad("", faultSource, "another source holds this code at that time")
		}
		if u.fault != nil {
			return false, nil
		}
		u.id = p.id
		unchanged = bytes.Equal(p.hash, u.hash[:])
		*p = planted{u.id, u.level, r.source, u.from, u.to, u.hash[:], true}
		return unchanged, nil
	}
	u.fresh = true
	var id int64
	if err := tx.QueryRow(ctx, idsPlaceSQL, 1).Scan(&id); err != nil {
		return false, fmt.Errorf("take an id: %w", err)
	}
	u.id = int32(id)
	tree[u.code] = append(tree[u.code], planted{u.id, u.level, r.source, u.from, u.to, u.hash[:], true})
	return false, nil
}

func readPlanted(ctx context.Context, tx pgx.Tx) (map[string][]planted, error) {
	rows, err := tx.Query(ctx, knownPlacesSQL)
	if err != nil {
		return nil, fmt.Errorf("read the tree: %w", err)
	}
	tree := map[string][]planted{}
	var code string
	var p planted
	var to *time.Time
	_, err = pgx.ForEachRow(rows, []any{&code, &p.id, &p.level, &p.source, &p.from, &to, &p.hash}, func() error {
		p.to = time.Time{}
		if to != nil {
			p.to = *to
		}
		p.hash = slices.Clone(p.hash)
		tree[code] = append(tree[code], p)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the tree: %w", err)
	}
	return tree, nil
}

func (r *run) putUnits(ctx context.Context, tx pgx.Tx, units []*unit) error {
	for part := range slices.Chunk(units, 200) {
		b := &pgx.Batch{}
		for _, u := range part {
			text := updatePlaceSQL
			if u.fresh {
				text = putPlaceSQL
			}
			var to *time.Time
			if !u.to.IsZero() {
				to = &u.to
			}
			var parent *int32
			if u.parentID != 0 {
				parent = &u.parentID
			}
			var shape, label any // any: pgx knows a null by it
			if u.shape != nil {
				shape = u.shape
			}
			if u.label != nil {
				label = *u.label
			}
			b.Queue(text, u.id, u.code, u.level, parent, u.name, u.nameEn, shape, label, u.areaM2, u.from, to, r.source, u.hash[:])
		}
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return fmt.Errorf("put places: %w", err)
		}
	}
	return nil
}

// tellOverlaps notes pairs of places of one level that share more than rounding; points there are decided for the
// smaller one, always.
func (r *run) tellOverlaps(ctx context.Context, put []int32) error {
	var pairs int64
	var worst, other string
	var areaM2 float64
	err := r.Pool.QueryRow(ctx, overlapSQL, put, float64(overlapM2)).Scan(&pairs, &worst, &other, &areaM2)
	if err != nil {
		return ledger.Problem("places", err)
	}
	if pairs > 0 {
		r.summary.Notes = append(r.summary.Notes, fmt.Sprintf(
			"%d pairs of places of one level overlap by more than %d m²; the largest: %s and %s by %.0f m². A point there counts for the smaller place",
			pairs, overlapM2, worst, other, areaM2))
	}
	return nil
}
