// Package scoped runs the SQL of requests under their scope, so that PostgreSQL itself shows only the rows that the scope
// may see: the second lock behind the predicates of the floors above. See docs/decisions/0012.
package scoped

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/sql"
)

var setSQL = sql.Text("scoped/set.sql")

// settings are what a transaction says of its scope: the actor, of each kind the places whose records it sees, as "all" or
// as bits in base64 (600 villages are 100 characters), what it may do with alerts, the places whose events it sees if only
// a department's, and which departments' where.
func settings(s layers.Scope) []any {
	reach := func(r layers.Reach) string {
		if r.All {
			return "all"
		}
		return base64.StdEncoding.EncodeToString(r.Places.Bytes())
	}
	all, in, bits := owned(s.Event.Owned)
	return []any{
		s.Actor, reach(s.Person.Records), reach(s.Site.Records), reach(s.Event.Records), alerts(s),
		reach(s.Event.Some()), all, in, base64.StdEncoding.EncodeToString(bits),
	}
}

// owned are the departments whose events are seen everywhere, those whose are seen in some places, and of each of the
// latter the places as bits, as many for each.
func owned(list []layers.Owned) (all, in string, bits []byte) {
	var every, some []string
	var sets [][]byte
	most := 0
	for _, w := range list {
		if w.All {
			every = append(every, strconv.Itoa(int(w.Department)))
			continue
		}
		some, sets = append(some, strconv.Itoa(int(w.Department))), append(sets, w.Places.Bytes())
		most = max(most, len(sets[len(sets)-1]))
	}
	for _, set := range sets {
		bits = append(append(bits, set...), make([]byte, most-len(set))...)
	}
	return "{" + strings.Join(every, ",") + "}", "{" + strings.Join(some, ",") + "}", bits
}

func alerts(s layers.Scope) string {
	switch {
	case s.Rights.Has(layers.RightSources):
		return "put"
	case s.InnerAlerts():
		return "all"
	}
	return "public"
}

// Reader reads under one scope.
type Reader struct {
	pool  *pgxpool.Pool
	scope layers.Scope
}

// On reads from the pool under the scope.
func On(pool *pgxpool.Pool, scope layers.Scope) Reader { return Reader{pool, scope} }

// Query runs one query. The scope travels with it in one round trip: what comes before one Sync is one transaction, and the
// settings end with it. The rows must be closed, as pgx.CollectRows and pgx.ForEachRow do.
func (r Reader) Query(ctx context.Context, text string, args ...any) (pgx.Rows, error) {
	var b pgx.Batch
	Enter(&b, r.scope)
	b.Queue(text, args...)
	answers := r.pool.SendBatch(ctx, &b)
	if _, err := answers.Exec(); err != nil {
		return nil, errors.Join(fmt.Errorf("set the scope: %w", err), answers.Close())
	}
	found, err := answers.Query()
	if err != nil {
		return nil, errors.Join(err, answers.Close())
	}
	return rows{found, answers}, nil
}

// rows end the batch that they are a part of.
type rows struct {
	pgx.Rows
	answers pgx.BatchResults
}

// Close gives the connection back.
func (r rows) Close() {
	r.Rows.Close()
	_ = r.answers.Close() // what went wrong with the rows is in Err
}

// QueryRow runs a query of one row; its Scan gives pgx.ErrNoRows when the scope sees none.
func (r Reader) QueryRow(ctx context.Context, text string, args ...any) pgx.Row {
	found, err := r.Query(ctx, text, args...)
	return row{found, err}
}

type row struct {
	rows pgx.Rows
	err  error
}

// Scan reads the row and ends the query.
func (r row) Scan(to ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if err := r.rows.Scan(to...); err != nil {
		return err
	}
	r.rows.Close()
	return r.rows.Err()
}

// Enter adds the statement by which the rest of the transaction runs under the scope. It comes first.
func Enter(b *pgx.Batch, scope layers.Scope) { b.Queue(setSQL, settings(scope)...) }

// Begin opens a transaction under the scope. The caller ends it.
func Begin(ctx context.Context, pool *pgxpool.Pool, scope layers.Scope) (*sql.Tx, error) {
	var b pgx.Batch
	Enter(&b, scope)
	return sql.Begin(ctx, pool, &b)
}
