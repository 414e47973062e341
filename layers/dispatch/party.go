package dispatch

import (
	"context"
	"fmt"

	"onepicture/layers"
	"onepicture/sql"
)

var partySQL = sql.Text("dispatch/party.sql")

// party is what an actor is to an event.
type party struct {
	is     Party
	level  uint8 // of the actor's desk over the event's place: 1 city … 3 village; 0: no desk there
	unit   int32 // of the actor as a worker; 0: none
	worker int32
	parts  int // supporters of the event who have not done theirs
}

func (d *Desk) partyOf(ctx context.Context, q queryer, scope layers.Scope, e *state) (party, error) {
	var p party
	var commands, lead, support, hand, reporter bool
	var unitLevel int16
	if err := q.QueryRow(ctx, partySQL, e.id, scope.Actor).Scan(&p.worker, &p.unit, &commands, &unitLevel, &lead,
		&support, &hand, &reporter, &p.parts); err != nil {
		return p, fmt.Errorf("find who the actor is: %w", err)
	}
	if reporter {
		p.is |= Reporter
	}
	if !scope.Rights.Has(layers.RightHandle) {
		return p, nil
	}
	if lead {
		p.is |= Lead
	}
	if support {
		p.is |= Support
	}
	if commands {
		if p.level = deskLevel(d.picture.Tree(), scope, e); p.level != 0 {
			p.level = max(p.level, uint8(unitLevel))
		}
	}
	if p.level != 0 && p.level <= e.command {
		p.is |= Commander
		if !hand && p.level <= d.verifies(e.item) {
			p.is |= Verifier
		}
		if p.level < e.command {
			p.is |= Above
		}
	}
	return p, nil
}

// verifies is the lowest level whose desk may verify events of an item.
func (d *Desk) verifies(item uint16) uint8 {
	if it := d.picture.Catalogue().Item(item); it != nil && it.VerifyLevel != 0 {
		return it.VerifyLevel
	}
	return layers.LevelVillage
}

// deskLevel is the level of the highest place above the event whose records the scope sees whole, of its department at
// least: 1 city, 2 town, 3 village; 0 when it is less than a village.
func deskLevel(t *layers.Tree, scope layers.Scope, e *state) uint8 {
	reach := scope.Event.Of(e.department)
	if reach.All {
		return layers.LevelCity
	}
	for _, p := range t.Path(e.place) {
		if reach.Has(p.ID) && p.Level <= layers.LevelVillage {
			return p.Level
		}
	}
	return 0
}
