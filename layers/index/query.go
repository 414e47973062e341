package index

import (
	"runtime"
	"sync"

	"onepicture/geo"
	"onepicture/layers"
)

// Query chooses features of one kind. Its zero scope sees nothing.
type Query struct {
	Kind   layers.Kind
	Layers uint64 // features of any of these layers; 0: of any or none
	Scope  layers.Scope
	Place  layers.PlaceID // with all below it; 0: everywhere
	Match  func(*layers.Record) bool
	From   int32 // Time ≥ From; both 0: any time
	To     int32 // Time < To
}

// plan is a query made ready for one snapshot.
type plan struct {
	Query
	table  *table
	places layers.PlaceSet // nil with all: every place
	all    bool
	timed  bool
	plain  bool // every row qualifies
}

// plan is nil when nothing can qualify.
func (s *Snapshot) plan(q Query) *plan {
	t := s.tables[q.Kind]
	if t == nil || q.Scope.Detail(q.Kind) == layers.DetailNone {
		return nil
	}
	p := &plan{Query: q, table: t, all: q.Scope.AllPlaces && q.Place == 0, timed: q.From != 0 || q.To != 0}
	if !p.all {
		p.places = q.Scope.Places
		if q.Place != 0 {
			p.places = nil
			lo, hi := s.tree.Range(q.Place)
			for o := lo; o < hi; o++ {
				if id := s.tree.At(o).ID; q.Scope.Sees(id) {
					p.places.Add(id)
				}
			}
		}
		if len(p.places) == 0 {
			return nil
		}
	}
	p.plain = p.all && q.Layers == 0 && q.Match == nil && !p.timed
	return p
}

// selection are the qualifying rows of one block.
type selection struct {
	c    *columns
	rows []uint32
}

// parallelRows is the number of rows from which a scan is worth two cores.
const parallelRows = 200_000

// scan calls use for the qualifying rows of the key range, block by block in key order within main, then delta. With
// workers > 1, use is called at the same time from that many goroutines, each with its own worker number and a
// contiguous part of the rows.
func (p *plan) scan(lo, hi geo.Key, workers int, use func(worker int, sel selection)) {
	i, j := p.table.main.span(lo, hi)
	if workers > 1 && j-i >= parallelRows {
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				p.blocks(p.table.main, p.table.dead, i+(j-i)*w/workers, i+(j-i)*(w+1)/workers, w, use)
			})
		}
		wg.Wait()
	} else {
		p.blocks(p.table.main, p.table.dead, i, j, 0, use)
	}
	i, j = p.table.delta.span(lo, hi)
	p.blocks(p.table.delta, nil, i, j, 0, use)
}

// Workers is how many cores one scan may use.
func scanWorkers() int { return min(runtime.GOMAXPROCS(0), 4) }

func (p *plan) blocks(c *columns, dead []uint32, i, j, worker int, use func(int, selection)) {
	var buffer [blockRows]uint32
	for len(dead) > 0 && int(dead[0]) < i { // skip the dead before the range by bisection when there are many
		cut := len(dead) / 2
		if int(dead[cut]) < i {
			dead = dead[cut+1:]
		} else {
			dead = dead[1:]
		}
	}
	for i < j {
		b := i / blockRows
		end := min(j, (b+1)*blockRows)
		sum := &c.blocks[b]
		if p.Layers != 0 && sum.any&p.Layers == 0 || p.timed && (sum.to < p.From || p.To != 0 && sum.from >= p.To) {
			i = end
			continue
		}
		rows := buffer[:0]
		for r := i; r < end; r++ {
			rows = append(rows, uint32(r))
		}
		if len(dead) > 0 {
			rows, dead = withoutDead(rows, dead)
		}
		if rows = p.narrow(c, rows, sum); len(rows) > 0 {
			use(worker, selection{c, rows})
		}
		i = end
	}
}

func withoutDead(rows, dead []uint32) (kept, rest []uint32) {
	kept = rows[:0]
	for _, r := range rows {
		for len(dead) > 0 && dead[0] < r {
			dead = dead[1:]
		}
		if len(dead) == 0 || dead[0] != r {
			kept = append(kept, r)
		}
	}
	return kept, dead
}

// narrow keeps the rows that qualify, cheapest test first.
func (p *plan) narrow(c *columns, rows []uint32, sum *summary) []uint32 {
	if p.plain {
		return rows
	}
	if p.Layers != 0 && sum.all&p.Layers == 0 {
		kept := rows[:0]
		for _, r := range rows {
			if c.layers[r]&p.Layers != 0 {
				kept = append(kept, r)
			}
		}
		rows = kept
	}
	if p.timed {
		kept := rows[:0]
		for _, r := range rows {
			if t := c.time[r]; t >= p.From && (p.To == 0 || t < p.To) {
				kept = append(kept, r)
			}
		}
		rows = kept
	}
	if !p.all {
		kept := rows[:0]
		for _, r := range rows {
			if p.places.Has(c.place[r]) {
				kept = append(kept, r)
			}
		}
		rows = kept
	}
	if p.Match != nil {
		kept := rows[:0]
		for _, r := range rows {
			record := c.record(int(r))
			if p.Match(&record) {
				kept = append(kept, r)
			}
		}
		rows = kept
	}
	return rows
}

// world is the whole range of keys.
const lastKey = ^geo.Key(0)

// Count is the exact number of qualifying features.
func (s *Snapshot) Count(q Query) int {
	return s.CountIn(q, []geo.Range{{Lo: 0, Hi: lastKey, Inside: true}}, nil)
}

// CountIn is the exact number of qualifying features in a polygon, given as its cover and its exact test.
func (s *Snapshot) CountIn(q Query, cover []geo.Range, exact *geo.Prepared) int {
	p := s.plan(q)
	if p == nil {
		return 0
	}
	counts := make([]struct {
		n int
		_ [7]int // keeps two cores' counters apart
	}, scanWorkers())
	for _, r := range cover {
		p.scan(r.Lo, r.Hi, len(counts), func(w int, sel selection) {
			if r.Inside {
				counts[w].n += len(sel.rows)
				return
			}
			for _, i := range sel.rows {
				if exact.Contains(sel.c.key[i].LonLat()) {
					counts[w].n++
				}
			}
		})
	}
	n := 0
	for i := range counts {
		n += counts[i].n
	}
	return n
}
