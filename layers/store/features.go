package store

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/layers/scoped"
	"onepicture/sql"
)

var (
	siteFeaturesSQL  = sql.Text("store/site_features.sql")
	eventFeaturesSQL = sql.Text("store/event_features.sql")
	baseTileSQL      = sql.Text("store/base_tile.sql")
	placesTileSQL    = sql.Text("store/places_tile.sql")
)

// Features gives names by id, and of lines and areas what a tile draws of them, in one round trip: cut with a buffer of
// so many of the tile's units, simplified to a unit, valid. What is outside the scope is left out. Persons have none:
// they enter the map as counts only.
func (s *Store) Features(ctx context.Context, scope layers.Scope, kind layers.Kind, ids []int64, t geo.Tile, buffer int) (map[int64]layers.Feature, error) {
	text := map[layers.Kind]string{layers.KindSite: siteFeaturesSQL, layers.KindEvent: eventFeaturesSQL}[kind]
	if text == "" {
		return nil, nil
	}
	rows, err := scoped.On(s.reads, scope).Query(ctx, text, ids, t.Z, t.X, t.Y, buffer)
	if err != nil {
		return nil, ledger.Problem(string(kind), err)
	}
	out := make(map[int64]layers.Feature, len(ids))
	var f layers.Feature
	var place layers.PlaceID
	var department int16
	var g orb.Geometry
	_, err = pgx.ForEachRow(rows, []any{&f.ID, &place, &department, &f.Name, &g}, func() error {
		if scope.Records(kind, place, department) {
			f.Geom = g
			out[f.ID] = f
		}
		return nil
	})
	return out, ledger.Problem(string(kind), err)
}

// Base is the base map's tile: land, water, green, roads. Empty when there is nothing in it.
func (s *Store) Base(ctx context.Context, t geo.Tile) ([]byte, error) {
	return s.bytes(ctx, "base map", baseTileSQL, t.Z, t.X, t.Y)
}

// Places is the tile of boundaries and labels.
func (s *Store) Places(ctx context.Context, t geo.Tile) ([]byte, error) {
	return s.bytes(ctx, "places", placesTileSQL, t.Z, t.X, t.Y, s.Today())
}

func (s *Store) bytes(ctx context.Context, what, text string, args ...any) ([]byte, error) {
	var b []byte
	err := s.reads.QueryRow(ctx, text, args...).Scan(&b)
	return b, ledger.Problem(what, err)
}
