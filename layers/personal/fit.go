package personal

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/sql"
)

var (
	checkSQL    = sql.Text("personal/check.sql")
	putCheckSQL = sql.Text("personal/put_check.sql")
	moveSQL     = sql.Text("personal/move_check.sql")
)

// The known value that tells whether keys are a database's.
const known = "onepicture"

// ErrOtherKeys says that the database was sealed by other keys.
var ErrOtherKeys = errors.New("these are not the keys by which this database is sealed: name the right key file by --keys or ONEPICTURE_KEYS")

// Marked tells whether a database belongs to keys already.
func Marked(ctx context.Context, pool *pgxpool.Pool) (bool, error) {
	_, _, err := readCheck(ctx, pool)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func readCheck(ctx context.Context, pool *pgxpool.Pool) (sealed, digest []byte, err error) {
	err = pool.QueryRow(ctx, checkSQL).Scan(&sealed, &digest)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		err = fmt.Errorf("look for the keys' mark: %w", err)
	}
	return sealed, digest, err
}

// Fit tells whether the keys are those of the database; one that belongs to none yet belongs to these from now on.
func (k *Keys) Fit(ctx context.Context, pool *pgxpool.Pool) error {
	sum := k.macs[useCheck].sum([]byte(known))
	own, err := k.Sealer().Text(check, 0, known)
	if err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, putCheckSQL, own, sum[:]); err != nil {
		return fmt.Errorf("mark the database: %w", err)
	}
	sealed, digest, err := readCheck(ctx, pool) // ours, or that of whoever came first
	if err != nil {
		return err
	}
	if text, err := k.Open(check, 0, sealed); err != nil || text != known || !hmac.Equal(digest, sum[:]) {
		return ErrOtherKeys
	}
	return nil
}

// mark seals the known value by the present key: who does not have it is refused from now on.
func (k *Keys) mark(ctx context.Context, pool *pgxpool.Pool) error {
	own, err := k.Sealer().Text(check, 0, known)
	if err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, moveSQL, own); err != nil {
		return fmt.Errorf("mark the database: %w", err)
	}
	return nil
}
