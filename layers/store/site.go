package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/paulmach/orb"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/layers/scoped"
	"onepicture/sql"
)

var siteSQL = sql.Text("store/site.sql")

// Site is one key site whole.
type Site struct {
	ID         int64
	Name       string
	Class      uint16
	Status     uint8
	Address    string
	Attributes map[string]json.RawMessage
	UpdatedAt  time.Time
	Point      orb.Point
	Place      layers.PlaceID
	Source     string
	SourceEn   string
	Position   layers.Position
}

// Site reads one key site; not found also when it is outside the scope.
func (s *Store) Site(ctx context.Context, scope layers.Scope, id int64) (Site, error) {
	var t Site
	var position int64
	var class, status int16
	err := scoped.On(s.reads, scope).QueryRow(ctx, siteSQL, id).Scan(&t.ID, &t.Name, &class, &status, &t.Address, &t.Attributes,
		&t.UpdatedAt, &t.Point, &t.Place, &t.Source, &t.SourceEn, &position)
	if err != nil {
		return t, ledger.Problem("site", err)
	}
	if !scope.Records(layers.KindSite, t.Place, 0) {
		return Site{}, layers.NotFound("site")
	}
	t.Class, t.Status, t.Position = uint16(class), uint8(status), layers.Position(position)
	return t, nil
}
