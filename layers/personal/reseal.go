package personal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/sql"
)

var (
	beginSealingSQL    = sql.Text("personal/begin_sealing.sql")
	moveSealingSQL     = sql.Text("personal/move_sealing.sql")
	sealingLockSQL     = sql.Text("personal/sealing_lock.sql")
	unsealedPersonSQL  = sql.Text("personal/unsealed_person.sql")
	resealPersonSQL    = sql.Text("personal/reseal_person.sql")
	unsealedAddressSQL = sql.Text("personal/unsealed_address.sql")
	resealAddressSQL   = sql.Text("personal/reseal_address.sql")
	unsealedEventSQL   = sql.Text("personal/unsealed_event.sql")
	resealEventSQL     = sql.Text("personal/reseal_event.sql")
)

// sealRows is how many rows are sealed in one transaction: a fraction of a second.
const sealRows = 2000

// ErrSealing says that another process is sealing.
var ErrSealing = errors.New("another onepicture is sealing this database now")

// Reseal brings every row to the present key: those of older keys, and those of before there were keys. It goes in small
// transactions, remembers how far it is, and is a no-op when all is done. Rows that are written meanwhile are sealed by
// the present key anyway. progress may be nil. About 50,000 rows a second.
func (k *Keys) Reseal(ctx context.Context, pool *pgxpool.Pool, progress func(table string, rows int64)) error {
	if err := k.mark(ctx, pool); err != nil {
		return err
	}
	for _, table := range []string{"person", "address", "event"} {
		total := int64(0)
		for {
			n, done, err := k.step(ctx, pool, table)
			if err != nil {
				return fmt.Errorf("seal %s: %w", table, err)
			}
			if total += n; progress != nil && n > 0 {
				progress(table, total)
			}
			if done {
				break
			}
		}
	}
	return nil
}

// step seals one batch and remembers it, in one transaction.
func (k *Keys) step(ctx context.Context, pool *pgxpool.Pool, table string) (n int64, done bool, err error) {
	tx, err := pool.Begin(ctx)
	if err != nil {
		return 0, false, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after Commit it does nothing
	var mine bool
	if err := tx.QueryRow(ctx, sealingLockSQL, "onepicture sealing "+table).Scan(&mine); err != nil {
		return 0, false, err
	}
	if !mine {
		return 0, false, ErrSealing
	}
	s := k.Sealer()
	var after int64
	if err := tx.QueryRow(ctx, beginSealingSQL, table, s.Key()).Scan(&after, &done); err != nil || done {
		return 0, done, err
	}
	var last int64
	switch table {
	case "person":
		n, last, err = k.persons(ctx, tx, s, after)
	case "address":
		n, last, err = k.texts(ctx, tx, s, Address, after, unsealedAddressSQL, resealAddressSQL)
	default:
		n, last, err = k.texts(ctx, tx, s, Reporter, after, unsealedEventSQL, resealEventSQL)
	}
	if err != nil {
		return 0, false, err
	}
	done = n < sealRows
	if _, err := tx.Exec(ctx, moveSealingSQL, table, s.Key(), max(last, after), done); err != nil {
		return 0, false, err
	}
	return n, done, tx.Commit(ctx)
}

// row is a person's row as it is sealed: plain texts of before there were keys, or sealed ones.
type row struct {
	id                                int64
	key                               string
	plainName, plainNumber, plainCall *string
	name, number, phone, home         []byte
	seal                              *int64
}

func (k *Keys) persons(ctx context.Context, tx pgx.Tx, s Sealer, after int64) (n, last int64, err error) {
	rows, err := tx.Query(ctx, unsealedPersonSQL, after, s.Key(), sealRows)
	if err != nil {
		return 0, 0, err
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (p row, err error) {
		return p, r.Scan(&p.id, &p.key, &p.plainName, &p.plainNumber, &p.plainCall, &p.name, &p.number, &p.phone, &p.home, &p.seal)
	})
	if err != nil || len(list) == 0 {
		return 0, 0, err
	}
	var ids, numbers, phones []int64
	var keys []string
	var sealed [4][][]byte
	for i := range list {
		p := &list[i]
		var texts [4]string
		for c, field := range [4]struct {
			column Column
			plain  *string
			sealed []byte
		}{{Name, p.plainName, p.name}, {IDNumber, p.plainNumber, p.number}, {Phone, p.plainCall, p.phone}, {Home, nil, p.home}} {
			if texts[c], err = k.text(field.column, p.id, field.plain, field.sealed); err != nil {
				return 0, 0, err
			}
			b, err := s.Text(field.column, p.id, texts[c])
			if err != nil {
				return 0, 0, err
			}
			sealed[c] = append(sealed[c], b)
		}
		if p.seal == nil {
			p.key = k.RowKey(p.key)
		}
		ids, keys = append(ids, p.id), append(keys, p.key)
		numbers, phones = append(numbers, k.Index(IDNumber, texts[1])), append(phones, k.Index(Phone, texts[2]))
	}
	_, err = tx.Exec(ctx, resealPersonSQL, ids, keys, sealed[0], sealed[1], sealed[2], sealed[3], numbers, phones, s.Key())
	return int64(len(list)), ids[len(ids)-1], err
}

// text is a value as it is now, plain or sealed.
func (k *Keys) text(c Column, id int64, plain *string, sealed []byte) (string, error) {
	if plain != nil {
		return *plain, nil
	}
	return k.Open(c, id, sealed)
}

// texts seals tables with one sealed column.
func (k *Keys) texts(ctx context.Context, tx pgx.Tx, s Sealer, c Column, after int64, find, put string) (n, last int64, err error) {
	rows, err := tx.Query(ctx, find, after, s.Key(), sealRows)
	if err != nil {
		return 0, 0, err
	}
	var ids []int64
	var out [][]byte
	var id int64
	var plain *string
	var sealed []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &plain, &sealed}, func() error {
		text, err := k.text(c, id, plain, sealed)
		if err != nil {
			return err
		}
		b, err := s.Text(c, id, text)
		ids, out = append(ids, id), append(out, b)
		plain, sealed = nil, nil
		return err
	})
	if err != nil || len(ids) == 0 {
		return 0, 0, err
	}
	_, err = tx.Exec(ctx, put, ids, out, s.Key())
	return int64(len(ids)), ids[len(ids)-1], err
}

// KeepSealed seals what is not sealed by the present key, and looks again every so often, until ctx ends: a rotation
// that was interrupted goes on here. What fails is told and tried again.
func (k *Keys) KeepSealed(ctx context.Context, pool *pgxpool.Pool, every time.Duration, failed func(error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		k.refresh()
		if err := k.Reseal(ctx, pool, nil); err != nil && ctx.Err() == nil && !errors.Is(err, ErrSealing) {
			failed(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
