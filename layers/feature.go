package layers

import "github.com/paulmach/orb"

// Feature is what a tile publishes of a feature beside its index record.
type Feature struct {
	ID   int64
	Name string
	Geom orb.Geometry // of a line or an area what of it is to be drawn, valid, in units of the tile; nil: nothing, or a point
}
