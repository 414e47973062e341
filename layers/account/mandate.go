package account

import (
	"context"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

// Mandate is how far an administrator's word goes: to the places on which they hold the role themselves. The zero value
// goes nowhere.
type Mandate struct {
	all    bool
	places []layers.PlaceID
	tree   *layers.Tree
}

// Mandate is that of who holds the pass, by the grants that are in force now.
func (a *Accounts) Mandate(ctx context.Context, p Pass) (m Mandate, err error) {
	id, ok := p.Account()
	if !ok {
		return m, layers.Forbidden("a service key manages no accounts")
	}
	grants, err := a.grants(ctx, a.pool, id)
	if err != nil {
		return m, ledger.Problem("account", err)
	}
	now := a.Now()
	m.tree = a.Tree()
	for i := range grants {
		g := &grants[i]
		if g.Role != Administrator || !g.holds(now) {
			continue
		}
		m.all = m.all || g.Place == 0
		m.places = append(m.places, g.Place)
	}
	return m, nil
}

// Covers tells that a place lies within the mandate; 0 is everywhere.
func (m *Mandate) Covers(place layers.PlaceID) bool {
	if m.all {
		return true
	}
	if place == 0 || m.tree == nil {
		return false
	}
	for _, above := range m.tree.Path(place) {
		for _, own := range m.places {
			if own == above.ID {
				return true
			}
		}
	}
	return false
}

// Gives refuses to give or take a role on a place that the mandate does not reach: a role whose rights know no places is
// given by those alone who administer everything.
func (m *Mandate) Gives(role Role, place layers.PlaceID) error {
	rule := RuleOf(role)
	switch {
	case rule == nil:
		return layers.Invalid("role", "is none of the roles")
	case !m.Covers(place):
		return layers.Forbidden("you administer other places than this one")
	case rule.Whole && !m.all:
		return layers.Forbidden("this role is given and taken by those alone who administer everything")
	}
	return nil
}

// Over refuses deeds to a whole account, such as disabling it, when something that it holds lies beyond the mandate.
func (m *Mandate) Over(grants []Given) error {
	for i := range grants {
		if m.Gives(grants[i].Role, grants[i].Place) != nil {
			return layers.Forbidden("this account holds something beyond the places that you administer")
		}
	}
	return nil
}

// Sees tells that an account is shown: it holds something within the mandate, or nothing yet.
func (m *Mandate) Sees(grants []Given) bool {
	for i := range grants {
		if m.Covers(grants[i].Place) {
			return true
		}
	}
	return m.all || len(m.places) > 0 && len(grants) == 0
}

// reach lists the places of the mandate for a query; nil: all.
func (m *Mandate) reach() []int32 {
	if m.all {
		return nil
	}
	list := []int32{}
	for _, p := range m.places {
		lo, hi := m.tree.Range(p)
		for o := lo; o < hi; o++ {
			list = append(list, int32(m.tree.At(o).ID))
		}
	}
	return list
}

var (
	lastSQL     = sql.Text("account/last.sql")
	lastLockSQL = sql.Text("account/last_lock.sql")
)

// spare refuses what leaves nobody who administers everything and can sign in. It orders all who try at once.
func (a *Accounts) spare(ctx context.Context, tx *ledger.Tx, account int64) error {
	if _, err := tx.Exec(ctx, lastLockSQL); err != nil {
		return err
	}
	var last bool // read after the lock: what others did meanwhile is seen
	if err := tx.QueryRow(ctx, lastSQL, account, a.Now()).Scan(&last); err != nil {
		return err
	}
	if last {
		return &layers.Error{Code: layers.CodeConflict, Message: "nobody else administers everything and can sign in: give another the role first"}
	}
	return nil
}
