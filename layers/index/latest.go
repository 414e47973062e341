package index

import (
	"container/heap"

	"onepicture/layers"
)

// Latest gives the newest qualifying records first, by (Time, ID), strictly before the given pair unless it is zero.
// One pass over the kind's times: about 1 ms a million rows.
func (s *Snapshot) Latest(q Query, limit int, beforeTime int32, beforeID int64) []layers.Record {
	p := s.plan(q)
	if p == nil || limit <= 0 {
		return nil
	}
	h := &oldestFirst{}
	p.scan(0, lastKey, 1, func(_ int, sel selection) {
		for _, i := range sel.rows {
			t, id := sel.c.time[i], sel.c.id[i]
			if (beforeTime != 0 || beforeID != 0) && !earlier(t, id, beforeTime, beforeID) {
				continue
			}
			if h.Len() == limit {
				if !earlier((*h)[0].Time, (*h)[0].ID, t, id) {
					continue
				}
				heap.Pop(h)
			}
			heap.Push(h, sel.c.record(int(i)))
		}
	})
	out := make([]layers.Record, h.Len())
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = heap.Pop(h).(layers.Record)
	}
	return out
}

func earlier(t int32, id int64, beforeTime int32, beforeID int64) bool {
	return t < beforeTime || t == beforeTime && id < beforeID
}

type oldestFirst []layers.Record

func (h oldestFirst) Len() int           { return len(h) }
func (h oldestFirst) Less(i, j int) bool { return earlier(h[i].Time, h[i].ID, h[j].Time, h[j].ID) }
func (h oldestFirst) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *oldestFirst) Push(x any)        { *h = append(*h, x.(layers.Record)) }
func (h *oldestFirst) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// Histogram counts the qualifying records in n equal steps of Time from a start on.
func (s *Snapshot) Histogram(q Query, from, step int32, n int) []int {
	out := make([]int, n)
	q.From, q.To = from, from+step*int32(n)
	p := s.plan(q)
	if p == nil {
		return out
	}
	p.scan(0, lastKey, 1, func(_ int, sel selection) {
		for _, i := range sel.rows {
			out[(sel.c.time[i]-from)/step]++
		}
	})
	return out
}

// Find is one feature by id, within the scope.
func (s *Snapshot) Find(kind layers.Kind, scope layers.Scope, id int64) (Row, bool) {
	t := s.tables[kind]
	if t == nil || scope.Detail(kind) < layers.DetailRecords {
		return Row{}, false
	}
	r, ok := t.find(id)
	return r, ok && scope.Sees(r.Place)
}
