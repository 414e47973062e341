package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/catalogue"
	"onepicture/layers/demo/city"
	"onepicture/sql"
)

var loadedSQL = sql.Text("demo/loaded.sql")

// notVoid is the share of the invented events that are not found void afterwards (city.progress).
const notVoid = 59.0 / 60

// TrueRates gives, for a database that holds an invented city, the rate from which the events of a category in a grid
// were drawn on the days from lo to before hi, void ones left out. It is nil for any other database.
func TrueRates(ctx context.Context, pool *pgxpool.Pool, zone *time.Location) (func(category, place string, lo, hi int32) float64, error) {
	var key string
	var at time.Time
	switch err := pool.QueryRow(ctx, loadedSQL).Scan(&key, &at); {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("look for an invented city: %w", err)
	}
	var seed uint64
	var people int
	if _, err := fmt.Sscanf(key, "demo:%d:%d:", &seed, &people); err != nil {
		return nil, fmt.Errorf("read %q: %w", key, err)
	}
	cat, err := catalogue.Sample()
	if err != nil {
		return nil, err
	}
	c := city.Generate(seed)
	now := at.In(zone)
	rates := c.Rates(people/2, now, items(cat))
	first := layers.Days(now) + 1 - city.Days
	number := map[string]int{}
	for i := range c.Grids() {
		number[c.Grid(i).Code] = i
	}
	category := map[string]int{}
	for i, r := range cat.Categories {
		category[r.Get("code")] = i
	}
	return func(code, place string, lo, hi int32) float64 {
		k, known := category[code]
		grid, there := number[place]
		if !known || !there {
			return 0
		}
		sum := 0.0
		for d := max(lo, first); d < min(hi, first+city.Days); d++ {
			sum += rates.TrueRate(grid, k, int(d-first))
		}
		return sum * notVoid
	}, nil
}
