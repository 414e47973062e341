package store

import (
	"context"
	"fmt"
	"time"

	"onepicture/layers"
	"onepicture/layers/index"
)

// Catalogue is the present configuration; empty until it has been read.
func (s *Store) Catalogue() *layers.Catalogue {
	if w := s.world.Load(); w != nil {
		return w.Catalogue
	}
	return layers.NewCatalogue(layers.Catalogue{})
}

// PlaceAt is the deepest place at a WGS 84 location, 0 for none.
func (s *Store) PlaceAt(lon, lat float64) layers.PlaceID {
	w := s.world.Load()
	if w == nil || w.Areas == nil {
		return 0
	}
	id, _, ok := w.Areas.Find(lon, lat)
	if !ok {
		return 0
	}
	return layers.PlaceID(id)
}

// Tree is the tree of the places valid now; empty until it has been read.
func (s *Store) Tree() *layers.Tree {
	if w := s.world.Load(); w != nil {
		return w.Tree
	}
	return layers.NewTree(nil)
}

// LayersOf are the bits of the thematic layers that the record belongs to.
func (s *Store) LayersOf(k layers.Kind, r *layers.Record) uint64 {
	if w := s.world.Load(); w != nil {
		return w.Bits.Of(k, r)
	}
	return 0
}

// Today is the civil date in the deployment's zone.
func (s *Store) Today() time.Time {
	if w := s.world.Load(); w != nil {
		return w.Deployment.Today(time.Now())
	}
	return time.Now().UTC().Truncate(24 * time.Hour)
}

// Index is the index that the store feeds.
func (s *Store) Index() *index.Index { return s.index }

// Progress is how many pages of the tables have been read while loading, of how many.
func (s *Store) Progress() (loaded, expected int64) {
	expected = s.feed.expected.Load()
	return min(s.feed.loaded.Load(), expected), expected
}

// Loading is the error for those who ask before the index is there.
func (s *Store) Loading() error {
	loaded, expected := s.Progress()
	percent := int64(0)
	if expected > 0 {
		percent = 100 * loaded / expected
	}
	return layers.Unavailable(time.Second, fmt.Sprintf("the server is loading the city: %d %%", percent), nil)
}

// Wait returns when the index reflects the position, or with an error that says to try again when ctx ends first.
func (s *Store) Wait(ctx context.Context, p layers.Position) error {
	for {
		changed := s.index.Changed()
		if snap := s.index.Snapshot(); snap != nil && snap.Position() >= p {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return layers.Unavailable(time.Second, "this server has not reached the position that you have seen; try again", nil)
		}
	}
}
