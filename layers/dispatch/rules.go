package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	rulesSQL   = sql.Text("dispatch/rules.sql")
	addRuleSQL = sql.Text("dispatch/add_rule.sql")
	endRuleSQL = sql.Text("dispatch/end_rule.sql")
)

// NewRule is a rule as somebody writes it, in codes.
type NewRule struct {
	Item, Category string // at most one; both empty: any event
	Place          string // code; empty: everywhere
	Hours          string // empty: any
	Unit           string // may be left out with a worker
	Worker         int32  // 0: the unit as a whole
	Automatic      bool
	Note           string
}

// errStands tells that the table has a rule for the same item, place and time.
var errStands = &layers.Error{Code: layers.CodeConflict, Message: "a rule for the same item, place and time stands: end it first"}

// Rules are those that stand, and with all those that ended, by number.
func (d *Desk) Rules(ctx context.Context, scope layers.Scope, all bool) ([]Rule, error) {
	if !scope.Rights.Has(layers.RightHandle) && !scope.Rights.Has(layers.RightCatalogue) {
		return nil, layers.Forbidden("rules are for those who handle events")
	}
	rows, err := d.reads(scope).Query(ctx, rulesSQL, all)
	if err != nil {
		return nil, ledger.Problem("rules", err)
	}
	list, err := pgx.CollectRows(rows, scanRule)
	return list, ledger.Problem("rules", err)
}

// AddRule adds a rule and gives its number. CodeInvalid names the field; CodeConflict: one for the same stands.
func (d *Desk) AddRule(ctx context.Context, scope layers.Scope, n NewRule) (id int32, err error) {
	err = d.writeRules(ctx, scope, "dispatch rule", func(tx *ledger.Tx) error {
		id, err = d.addRule(ctx, tx, scope.Actor, n)
		if errors.Is(err, pgx.ErrNoRows) {
			return errStands
		}
		return err
	})
	return id, err
}

// EndRule ends a rule: what was dispatched by it stays as it is.
func (d *Desk) EndRule(ctx context.Context, scope layers.Scope, id int32) error {
	return d.writeRules(ctx, scope, "end of a dispatch rule", func(tx *ledger.Tx) error {
		tag, err := tx.Exec(ctx, endRuleSQL, id, d.now().UTC(), scope.Actor)
		if err == nil && tag.RowsAffected() == 0 {
			return layers.NotFound("standing rule")
		}
		return err
	})
}

// writeRules writes through the ledger what only those may who change the catalogue.
func (d *Desk) writeRules(ctx context.Context, scope layers.Scope, reason string, do func(*ledger.Tx) error) error {
	if !scope.Rights.Has(layers.RightCatalogue) {
		return layers.Forbidden("this account may not change rules")
	}
	_, err := d.ledger.Write(ctx, ledger.Act{Actor: scope.Actor, Reason: reason, Scope: &scope}, func(tx *ledger.Tx) error {
		if err := do(tx); err != nil {
			return err
		}
		tx.Record(layers.Change{Kind: layers.KindCatalogue, Op: layers.OpPut, Fields: []string{"dispatch_rule"}})
		return nil
	})
	return ledger.Problem("rule", err)
}

// addRule checks and writes one; pgx.ErrNoRows: one for the same stands.
func (d *Desk) addRule(ctx context.Context, tx *ledger.Tx, actor string, n NewRule) (id int32, err error) {
	place, err := d.checkRule(&n)
	if err != nil {
		return 0, err
	}
	var unit int32
	if n.Worker != 0 {
		var worker int32
		var code, label string
		err = tx.QueryRow(ctx, workerSQL, n.Worker).Scan(&worker, &unit, &code, &label, new(int16))
		if errors.Is(err, pgx.ErrNoRows) || err == nil && n.Unit != "" && n.Unit != code {
			return 0, layers.Invalid("worker", "is not known, or not of that unit")
		}
	} else if err = tx.QueryRow(ctx, unitSQL, n.Unit).Scan(&unit, new(int16)); errors.Is(err, pgx.ErrNoRows) {
		return 0, layers.Invalid("unit", "is not known")
	}
	if err != nil {
		return 0, fmt.Errorf("find to whom: %w", err)
	}
	err = tx.QueryRow(ctx, addRuleSQL, n.Item, n.Category, int32(place), n.Hours, unit, n.Worker, n.Automatic, n.Note, d.now().UTC(), actor).Scan(&id)
	return id, err
}

// checkRule looks at what can be known without the database.
func (d *Desk) checkRule(n *NewRule) (place layers.PlaceID, err error) {
	c := d.picture.Catalogue()
	if n.Hours == "" {
		n.Hours = "any"
	}
	n.Note = strings.TrimSpace(n.Note)
	switch {
	case n.Item != "" && n.Category != "":
		return 0, layers.Invalid("category", "is that of the item: give one of the two")
	case n.Item != "" && c.ItemByCode(n.Item) == nil:
		return 0, layers.Invalid("item", "is not in the event catalogue")
	case n.Category != "" && c.ClassByCode(layers.KindEvent, n.Category) == nil:
		return 0, layers.Invalid("category", "is not an event category")
	case n.Hours != "any" && !slices.Contains(Hours, n.Hours):
		return 0, layers.Invalid("hours", "must be any, work, night or holiday")
	case n.Unit == "" && n.Worker == 0:
		return 0, layers.Invalid("unit", "is missing: say to whom")
	case n.Note != "" && strings.ContainsRune("=+-@", rune(n.Note[0])): // what is exported must be harmless where it is opened
		return 0, layers.Invalid("note", "begins with a sign that spreadsheets take for a formula")
	}
	if err := layers.CheckText("note", n.Note, 500); err != nil {
		return 0, err
	}
	if n.Place != "" {
		p := d.picture.Tree().ByCode(n.Place)
		if p == nil {
			return 0, layers.Invalid("place", "is not the code of a place")
		}
		place = p.ID
	}
	return place, nil
}
