package sql

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Tx is a transaction that begins together with its first statements and commits together with its last ones. Each round
// trip that it does without is time in which it holds no locks and keeps no reader of the ledger waiting.
type Tx struct{ conn *pgxpool.Conn } // nil: it has ended

var _ pgx.Tx = (*Tx)(nil)

// Begin opens a transaction with its first statements; nil: there are none yet. The caller ends it.
func Begin(ctx context.Context, pool *pgxpool.Pool, first *pgx.Batch) (*Tx, error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	t := &Tx{conn}
	var b pgx.Batch
	b.Queue("begin")
	if first != nil {
		b.QueuedQueries = append(b.QueuedQueries, first.QueuedQueries...)
	}
	if err := conn.SendBatch(ctx, &b).Close(); err != nil {
		return nil, errors.Join(err, t.Rollback(context.WithoutCancel(ctx)))
	}
	return t, nil
}

// End sends the last statements and commits. After an error nothing of the transaction is there, unless the connection
// was lost before the answer to the commit came.
func (t *Tx) End(ctx context.Context, last *pgx.Batch) error {
	if t.conn == nil {
		return pgx.ErrTxClosed
	}
	var b pgx.Batch
	if last != nil {
		b.QueuedQueries = append(b.QueuedQueries, last.QueuedQueries...)
	}
	b.Queue("commit").Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" {
			return pgx.ErrTxCommitRollback
		}
		return nil
	})
	if err := t.conn.SendBatch(ctx, &b).Close(); err != nil {
		return errors.Join(err, t.Rollback(context.WithoutCancel(ctx)))
	}
	t.release()
	return nil
}

func (t *Tx) release() {
	t.conn.Release() // the pool closes it unless it is idle
	t.conn = nil
}

// Commit commits.
func (t *Tx) Commit(ctx context.Context) error { return t.End(ctx, nil) }

// Rollback undoes everything. After the end it does nothing.
func (t *Tx) Rollback(ctx context.Context) error {
	if t.conn == nil {
		return nil
	}
	defer t.release()
	c := t.conn.Conn()
	if c.IsClosed() || c.PgConn().TxStatus() == 'I' {
		return nil
	}
	if _, err := c.Exec(ctx, "rollback"); err != nil {
		return fmt.Errorf("roll back: %w", err)
	}
	return nil
}

// Exec runs a statement.
func (t *Tx) Exec(ctx context.Context, text string, args ...any) (pgconn.CommandTag, error) {
	return t.conn.Exec(ctx, text, args...)
}

// Query runs a query; the rows must be closed before the next statement.
func (t *Tx) Query(ctx context.Context, text string, args ...any) (pgx.Rows, error) {
	return t.conn.Query(ctx, text, args...)
}

// QueryRow runs a query of one row.
func (t *Tx) QueryRow(ctx context.Context, text string, args ...any) pgx.Row {
	return t.conn.QueryRow(ctx, text, args...)
}

// SendBatch sends several statements at once.
func (t *Tx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return t.conn.SendBatch(ctx, b)
}

// CopyFrom copies rows into a table.
func (t *Tx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	return t.conn.CopyFrom(ctx, table, columns, rows)
}

// Prepare prepares a statement.
func (t *Tx) Prepare(ctx context.Context, name, text string) (*pgconn.StatementDescription, error) {
	return t.conn.Conn().Prepare(ctx, name, text)
}

// Conn is the connection; nil after the end.
func (t *Tx) Conn() *pgx.Conn {
	if t.conn == nil {
		return nil
	}
	return t.conn.Conn()
}

// Begin is refused: nothing here is undone in part.
func (t *Tx) Begin(context.Context) (pgx.Tx, error) {
	return nil, errors.New("a transaction within a transaction is not supported")
}

// LargeObjects are not used.
func (t *Tx) LargeObjects() pgx.LargeObjects { return pgx.LargeObjects{} }
