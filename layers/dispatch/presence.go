package dispatch

import (
	"context"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	dutySQL     = sql.Text("dispatch/duty.sql")
	presenceSQL = sql.Text("dispatch/presence.sql")
)

// Forgotten is from which age on a last position is shown to nobody; it is erased with the end of the shift, or after
// days by the rule of retention.
const Forgotten = 12 * time.Hour

// Present is a worker on duty who shares where he is: the last position to about 100 m, never a track.
type Present struct {
	ID             int32
	Label, LabelEn string
	Unit           Unit
	InHand         int
	Capacity       int
	Lon, Lat       float64
	SeenAt         time.Time
}

// Duty begins or ends the actor's shift, and tells where he is when he shares it. Who does not share, or is off duty,
// leaves no position.
func (d *Desk) Duty(ctx context.Context, scope layers.Scope, on, share bool, at *geo.WGS84) error {
	var point any
	var place layers.PlaceID
	if at != nil {
		if !share {
			return layers.Invalid("share", "must be true with a position")
		}
		point, place = orb.Point{at.Lon, at.Lat}, d.picture.PlaceAt(at.Lon, at.Lat)
	}
	var id int32
	err := d.ledger.Beside(scope).QueryRow(ctx, dutySQL, scope.Actor, on, share, int32(place), point, d.now().UTC()).Scan(&id)
	return ledger.Problem("worker", err)
}

// Presence are the workers on duty in a place (0: everywhere) whose last position lies where the scope sees events one
// by one. Only for who sits at a desk: field workers see nobody.
func (d *Desk) Presence(ctx context.Context, scope layers.Scope, place layers.PlaceID) ([]Present, error) {
	me, err := d.Me(ctx, scope)
	if err != nil {
		return nil, err
	}
	if !scope.Rights.Has(layers.RightHandle) || me != nil && !me.Desk {
		return nil, layers.Forbidden("where workers are is for the desks that command them")
	}
	rows, err := d.reads(scope).Query(ctx, presenceSQL, d.now().Add(-Forgotten))
	if err != nil {
		return nil, ledger.Problem("workers", err)
	}
	within := d.below(place)
	out := []Present{}
	var p Present
	var here layers.PlaceID
	var at orb.Point
	_, err = pgx.ForEachRow(rows, []any{&p.ID, &p.Label, &p.LabelEn, &p.Unit.Code, &p.Unit.Name, &p.Unit.NameEn, &p.Capacity, &here, &at, &p.SeenAt, &p.InHand}, func() error {
		if scope.Attends(here) && within(here) {
			p.Lon, p.Lat = told(at)
			out = append(out, p)
		}
		return nil
	})
	return out, ledger.Problem("workers", err)
}

// told is a position to about 100 m.
func told(at orb.Point) (lon, lat float64) {
	return math.Round(at[0]*1000) / 1000, math.Round(at[1]*1000) / 1000
}
