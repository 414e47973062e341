package index

import (
	"container/heap"
	"math"
	"sort"

	"onepicture/layers"
)

// Latest lists the newest features first, by Time and then id, up to the limit. A list goes on after the feature
// (beforeTime, beforeID); two zeros begin with the newest. Nothing is
// chosen where the scope does not see records.
func (s *Snapshot) Latest(q Query, limit int, beforeTime int32, beforeID int64) []layers.Record {
	if limit <= 0 {
		return nil
	}
	q.Part = Records
	t, p := s.plan(q)
	onward := beforeTime != 0 || beforeID != 0
	if onward {
		p.during(math.MinInt32, int64(beforeTime)+1)
	}
	spans := t.whole()
	if since, ok := recent(spans); ok { // mostly there are as many since then
		of := p
		of.during(since, int64(p.to)+1)
		if out := of.latest(spans, limit, onward, beforeTime, beforeID); len(out) == limit {
			return out
		}
	}
	return p.latest(spans, limit, onward, beforeTime, beforeID)
}

func (p *plan) latest(spans []span, limit int, onward bool, beforeTime int32, beforeID int64) []layers.Record {
	parts := scan(p, spans, func(list *newest, sp span, picked []uint16, whole bool) {
		c := sp.chunk
		if len(*list) == limit && c.maxTime < (*list)[0].Time {
			return
		}
		sp.each(picked, whole, func(i int) {
			at, id := at(c.time, i), c.id[i]
			if onward && !older(at, id, beforeTime, beforeID) {
				return
			}
			if len(*list) < limit {
				heap.Push(list, c.row(i).Record)
			} else if oldest := &(*list)[0]; older(oldest.Time, oldest.ID, at, id) {
				c.record(i, oldest)
				heap.Fix(list, 0)
			}
		})
	})
	var out newest
	for _, part := range parts {
		out = append(out, part...)
	}
	sort.Slice(out, func(i, j int) bool { return out.Less(j, i) })
	return out[:min(limit, len(out))]
}

func older(at int32, id int64, than int32, thanID int64) bool {
	return at < than || at == than && id < thanID
}

// newest is a heap with the oldest record first.
type newest []layers.Record

func (n newest) Len() int           { return len(n) }
func (n newest) Less(i, j int) bool { return older(n[i].Time, n[i].ID, n[j].Time, n[j].ID) }
func (n newest) Swap(i, j int)      { n[i], n[j] = n[j], n[i] }
func (n *newest) Push(x any)        { *n = append(*n, x.(layers.Record)) }
func (n *newest) Pop() any {
	last := (*n)[len(*n)-1]
	*n = (*n)[:len(*n)-1]
	return last
}
