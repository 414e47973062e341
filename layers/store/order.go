package store

import (
	"maps"
	"slices"

	"onepicture/layers"
)

// order knows which change of a feature is its latest when they come the other way round. Positions are taken when a
// transaction begins to write, but the second of two writers of one row may hold the smaller one; with a third
// transaction open between the two, or a page's end, the older state comes in a later batch (layers.Batch). What
// supersedes it was written after it had committed, so whoever could come late had begun when the later state was read:
// nothing is remembered longer than until those are complete, and nothing at all while no transaction is open.
type order struct {
	single  map[feature]latest
	batches []latestRanges
}

type feature struct {
	kind layers.Kind
	id   int64
}

type latest struct {
	seq   int64
	until layers.Position // what comes late has a position up to here
}

type latestRanges struct {
	latest
	kind layers.Kind
	ids  []layers.IDRange
}

// late tells that a later state of the feature has been applied before.
func (o *order) late(c *layers.Change) bool {
	if c.Op == layers.OpBatch {
		return false // the rows are read as they are now
	}
	if l, ok := o.single[feature{c.Kind, c.FeatureID}]; ok && c.Seq < l.seq {
		return true
	}
	return slices.ContainsFunc(o.batches, func(b latestRanges) bool {
		return b.kind == c.Kind && c.Seq < b.seq && slices.ContainsFunc(b.ids, func(r layers.IDRange) bool {
			return r.First <= c.FeatureID && c.FeatureID <= r.Last
		})
	})
}

// applied remembers the changes of a batch as long as others may come late, and forgets what is settled.
func (o *order) applied(b layers.Batch) {
	maps.DeleteFunc(o.single, func(_ feature, l latest) bool { return l.until <= b.Through })
	o.batches = slices.DeleteFunc(o.batches, func(r latestRanges) bool { return r.until <= b.Through })
	if b.Begun <= b.Through+1 {
		return
	}
	if o.single == nil {
		o.single = map[feature]latest{}
	}
	for i := range b.Changes {
		c := &b.Changes[i]
		l := latest{c.Seq, b.Begun - 1}
		f := feature{c.Kind, c.FeatureID}
		switch {
		case !slices.Contains(layers.Kinds, c.Kind):
		case c.Op == layers.OpBatch:
			o.batches = append(o.batches, latestRanges{l, c.Kind, c.IDs})
		case o.single[f].seq < l.seq:
			o.single[f] = l
		}
	}
}
