package catalogue

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/layers/scoped"
	"onepicture/sql"
)

var (
	itemSQL          = sql.Text("catalogue/item.sql")
	itemsLatestSQL   = sql.Text("catalogue/items_latest.sql")
	itemsLockSQL     = sql.Text("catalogue/items_lock.sql")
	itemSupersedeSQL = sql.Text("catalogue/item_supersede.sql")
	itemEndSQL       = sql.Text("catalogue/item_end.sql")
)

// Outcome is what an import of items has done, or would do. The numbers of a file without faults sum to its rows.
type Outcome struct {
	Added, Changed int // a first version, a further one
	Ended          int // the day on which it ends was set or taken back; the version stays
	Same           int
	Faults         Faults
	Receipt        ledger.Receipt // Position 0: nothing was written
}

// ReadItems reads a file of event items, XLSX by its content, else CSV. The rows that it gives with faults are not for
// writing.
func ReadItems(file string, b []byte) ([]Row, Faults) {
	if len(b) > MaxBytes {
		return nil, Faults{fileFault(file, "is larger than %d MB", MaxBytes>>20)}
	}
	read := readCSV
	if bytes.HasPrefix(b, []byte("PK\x03\x04")) {
		read = readXLSX
	}
	t, faults := read(file, b)
	rows, more := t.rows(file, "items")
	faults = append(faults, more...)
	for _, r := range rows {
		faults = append(faults, r.checkItem()...)
	}
	return rows, faults
}

// Keeper keeps the event catalogue: it brings items in and gives them out.
type Keeper struct {
	pool   *pgxpool.Pool
	ledger *ledger.Ledger
}

// NewKeeper reads from the pool and writes through the ledger.
func NewKeeper(pool *pgxpool.Pool, l *ledger.Ledger) *Keeper { return &Keeper{pool, l} }

// Import is an import of event items.
type Import struct {
	File string // for the report
	Body []byte
	From time.Time // first day of new versions; zero: today
	Dry  bool      // look only
}

// errDry undoes what a dry run has tried.
var errDry = errors.New("a dry run")

// Import brings the items of a file in, all or none: with a single fault nothing is written, and the outcome tells
// of every one. What differs from an item's latest version makes a new version that is valid from a day on; events keep
// the version that they were filed under, and their clocks with it. Items that the file does not name stay. Only for
// those with RightCatalogue. 1,301 items take about half a second.
func (k *Keeper) Import(ctx context.Context, scope layers.Scope, in Import) (Outcome, error) {
	if !scope.Rights.Has(layers.RightCatalogue) {
		return Outcome{}, layers.Forbidden("this account may not change the catalogue")
	}
	rows, faults := ReadItems(in.File, in.Body)
	var out Outcome
	act := ledger.Act{Actor: scope.Actor, Reason: "event items from a file", Scope: &scope}
	receipt, err := k.ledger.Write(ctx, act, func(tx *ledger.Tx) error {
		known, err := readKnown(ctx, tx)
		if err != nil {
			return err
		}
		for _, r := range rows {
			faults = append(faults, known.referItem(r)...)
		}
		if err := faults.err(); err != nil {
			return err
		}
		var today time.Time
		if err := tx.QueryRow(ctx, todaySQL).Scan(&today); err != nil {
			return err
		}
		if in.From.IsZero() {
			in.From = today
		}
		if in.From.Before(today) {
			return layers.Invalid("from", "lies in the past: what was valid then stays as it was")
		}
		if out, err = putItems(ctx, tx, rows, in.From); err != nil {
			return err
		}
		if in.Dry {
			return errDry
		}
		if out.Same < len(rows) {
			tx.Record(layers.Change{Kind: layers.KindCatalogue, Op: layers.OpPut})
		}
		return nil
	})
	switch {
	case errors.As(err, new(Faults)):
		return Outcome{Faults: faults}, nil
	case err != nil && !errors.Is(err, errDry):
		return Outcome{}, ledger.Problem("catalogue", err)
	}
	out.Receipt = receipt
	return out, nil
}

// putItems writes what differs, in the ledger's transaction, one such transaction at a time; the rows have no faults.
func putItems(ctx context.Context, tx *ledger.Tx, rows []Row, day time.Time) (out Outcome, err error) {
	if _, err := tx.Exec(ctx, itemsLockSQL); err != nil {
		return out, ledger.Problem("catalogue", err)
	}
	list, err := latestItems(ctx, tx)
	if err != nil {
		return out, ledger.Problem("catalogue", err)
	}
	latest := make(map[string]*item, len(list))
	for i := range list {
		latest[list[i].code] = &list[i]
	}
	b := &pgx.Batch{}
	for _, r := range rows {
		it := r.item()
		old := latest[it.code]
		switch {
		case old == nil:
			out.Added++
			it.queue(b, 1, day)
		case !it.same(old) || it.ends == nil && old.over(day): // offered again, after a gap
			out.Changed++
			b.Queue(itemSupersedeSQL, it.code, old.version+1, day)
			it.queue(b, old.version+1, day)
		case it.endsOn() != old.endsOn() && !(it.over(day) && old.over(day)): // a day before today's ended it on the day it came
			out.Ended++
			b.Queue(itemEndSQL, it.code, old.version, it.ends)
		default:
			out.Same++
		}
	}
	return out, ledger.Problem("catalogue", tx.SendBatch(ctx, b).Close())
}

// over tells that the item is not offered on that day any more.
func (it *item) over(day time.Time) bool { return it.ends != nil && !it.ends.After(day) }

func (it *item) endsOn() string { return it.cells()[len(itemTitles)-1] }

func (it *item) queue(b *pgx.Batch, version int, day time.Time) {
	if it.ends != nil && it.ends.Before(day) {
		it.ends = &day
	}
	b.Queue(itemSQL, it.code, version, it.category, it.name, it.nameEn, it.subclass, it.object, it.department, it.duty, it.level, it.deadline,
		it.hours, it.round, append([]string{}, it.steps...), append([]string{}, it.requires...), it.photos, it.verify,
		it.dupMeters, it.dupHours, it.repeatDays, day, it.ends)
}

// queryer is a transaction, or reads under a scope.
type queryer interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// latestItems are the latest versions of all items, by code.
func latestItems(ctx context.Context, q queryer) ([]item, error) {
	rows, err := q.Query(ctx, itemsLatestSQL)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (it item, err error) {
		err = r.Scan(&it.code, &it.version, &it.category, &it.name, &it.nameEn, &it.subclass, &it.object, &it.department, &it.duty,
			&it.level, &it.deadline, &it.hours, &it.round, &it.steps, &it.requires, &it.photos, &it.verify,
			&it.dupMeters, &it.dupHours, &it.repeatDays, &it.from, &it.ends)
		return it, err
	})
}

// Rows are the latest versions as a file has them, below the columns' codes, or below their words in Chinese. Imported
// again they change nothing.
func (k *Keeper) Rows(ctx context.Context, scope layers.Scope, words bool) ([][]string, error) {
	list, err := latestItems(ctx, scoped.On(k.pool, scope))
	if err != nil {
		return nil, ledger.Problem("catalogue", err)
	}
	header := make([]string, len(itemTitles))
	for i, t := range itemTitles {
		if header[i] = t[0]; words {
			header[i] = t[1]
		}
	}
	out := append(make([][]string, 0, len(list)+1), header)
	for i := range list {
		out = append(out, list[i].cells())
	}
	return out, nil
}
