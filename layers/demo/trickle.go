package demo

import (
	"context"
	"fmt"
	"time"

	"onepicture/layers"
	"onepicture/layers/catalogue"
	"onepicture/layers/demo/city"
)

// Sighting is what somebody of the invented city reports.
type Sighting struct {
	Source, Title, Item, Channel, Address, Key string
	Lon, Lat                                   float64 // WGS 84
	At                                         time.Time
}

// Trickle reports one new event every now and then, on the city's own rates, until ctx ends. It stands for the phones
// and sensors that a demo has not got.
func Trickle(ctx context.Context, report func(context.Context, Sighting) error, o Options, every time.Duration) error {
	cat, err := catalogue.Sample()
	if err != nil {
		return err
	}
	c := city.Generate(o.Seed)
	rates := c.Rates(max(o.People/2, 1), o.Now, items(cat))
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-tick.C:
			e := rates.Now(uint64(now.UnixNano()), now)
			item := cat.Items[e.Item]
			err := report(ctx, Sighting{
				Source: sourceOfChannel[e.Channel], Title: item.Get("name"), Item: item.Get("code"), Channel: layers.Channels[e.Channel], Lon: e.Point[0], Lat: e.Point[1],
				At: now, Address: e.Address, Key: fmt.Sprintf("trickle:%d", now.UnixNano()),
			})
			if err != nil && layers.CodeOf(err) != layers.CodeUnavailable { // while the database is away nobody can report
				return fmt.Errorf("report a synthetic event: %w", err)
			}
		}
	}
}
