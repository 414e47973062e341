package risk

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	objectionPutSQL = sql.Text("risk/objection_put.sql")
	objectionsSQL   = sql.Text("risk/objections.sql")
)

// Objection is what somebody says against a score.
type Objection struct {
	ID      int64
	Horizon int
	Score   int64 // that was objected to, millionths
	Version string
	Reason  string
	Actor   string
	At      time.Time
}

// MaxReason is how long a reason may be, in characters.
const MaxReason = 1000

// Object files an objection to the present score of a place that the scope may report events in.
func (l *Live) Object(ctx context.Context, scope layers.Scope, place layers.PlaceID, category string, horizon int, reason string) (ledger.Receipt, error) {
	p := l.Picture()
	if p == nil {
		return ledger.Receipt{}, layers.Unavailable(2*time.Second, errNoPicture.Error(), nil)
	}
	reason = strings.TrimSpace(reason)
	switch {
	case !scope.Rights.Has(layers.RightReport):
		return ledger.Receipt{}, layers.Forbidden("this account may not object to scores")
	case reason == "":
		return ledger.Receipt{}, layers.Invalid("reason", "is empty: say why the score is not right")
	}
	if err := layers.CheckText("reason", reason, MaxReason); err != nil {
		return ledger.Receipt{}, err
	}
	s, err := p.Score(scope, place, category, horizon)
	if err != nil {
		return ledger.Receipt{}, err
	}
	class := p.Category(category).Class
	receipt, err := l.ledger.Write(ctx, ledger.Act{Actor: scope.Actor, Reason: "objection"}, func(tx *ledger.Tx) error {
		var id int64
		if err := tx.QueryRow(ctx, objectionPutSQL, int32(place), int16(class), int16(horizon), s.Expected, p.Version(), reason, scope.Actor).Scan(&id); err != nil {
			return fmt.Errorf("insert objection: %w", err)
		}
		tx.Record(layers.Change{Kind: layers.KindRisk, Op: layers.OpPut, FeatureID: id})
		return nil
	})
	return receipt, ledger.Problem("objection", err)
}

// Objections to a place's scores of a category, newest first.
func (l *Live) Objections(ctx context.Context, place layers.PlaceID, class uint16) ([]Objection, error) {
	rows, err := l.pool.Query(ctx, objectionsSQL, int32(place), int16(class))
	if err != nil {
		return nil, ledger.Problem("objections", err)
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (o Objection, err error) {
		err = r.Scan(&o.ID, &o.Horizon, &o.Score, &o.Version, &o.Reason, &o.Actor, &o.At)
		return o, err
	})
	return list, ledger.Problem("objections", err)
}
