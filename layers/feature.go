package layers

import "github.com/paulmach/orb"

// Feature is what a tile publishes of a feature beside its index record: its name and its exact geometry in WGS 84.
type Feature struct {
	ID   int64
	Name string
	Geom orb.Geometry
}
