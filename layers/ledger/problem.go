package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"onepicture/layers"
)

// Problem translates a driver's error once into the error that users see, by SQLSTATE and constraint. The
// cause is for the log.
func Problem(what string, err error) error {
	var ours *layers.Error
	if err == nil || errors.As(err, &ours) {
		return err
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return layers.NotFound(what)
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		// No answer from the server at all: it is away, or the pool is exhausted.
		return layers.Unavailable(2*time.Second, "the database does not answer now; nothing was lost, try again", err)
	}
	// A driver's message may quote a value; the log gets where it failed, never what was in it.
	err = fmt.Errorf("SQLSTATE %s, table %q, constraint %q", pg.Code, pg.TableName, pg.ConstraintName)
	switch pg.Code[:2] {
	case "08", "53", "57", "58": // connection, resources, operator intervention (shutdown, time-out), system
		return layers.Unavailable(2*time.Second, "the database is busy or restarting; try again", err)
	case "22", "23": // data exception, integrity constraint
		return &layers.Error{Code: layers.CodeInvalid, Message: "the database refused the " + what + " (" + pg.ConstraintName + ")", Cause: err}
	case "40":
		return &layers.Error{Code: layers.CodeConflict, Message: "somebody else changed the same " + what + " at this moment; try again", Cause: err}
	case "25":
		return layers.Unavailable(5*time.Second, "the database accepts no writes now", err)
	}
	return &layers.Error{Code: layers.CodeInternal, Message: "the " + what + " could not be read or written", Cause: err}
}
