package index

import (
	"math"
	"runtime"
	"sync"

	"onepicture/layers"
	"onepicture/layers/filter"
)

// Query chooses features of one kind. All conditions must hold; the zero value of each but Kind and Scope is "any".
type Query struct {
	Kind     layers.Kind
	Layers   uint64                    // in any of these thematic layers
	Scope    layers.Scope              // the zero scope sees nothing
	Part     Part                      // of what the scope sees
	Place    layers.PlaceID            // in it or below it
	Statuses uint16                    // bit by Record.Status
	From, To int32                     // From ≤ Time < To in the kind's unit; To 0: no end, and with From 0 no start
	OpenAt   int32                     // events: reported before that minute and not closed by then, see openAt; 0: any
	Match    func(*layers.Record) bool // must not keep the record; called from several goroutines
	Filter   *filter.Parts             // nil: all. Faster than Match
	Unsorted bool                      // Cells need no counts by class
}

// Part is a part of what a scope may see.
type Part uint8

// The parts.
const (
	Seen    Part = iota // all that may be counted
	Records             // where single records may be seen
	Beyond              // where only counts may be known
	noPart
)

// reaches tells whether features in that place belong to the part, some of them at least.
func (q *Query) reaches(sight layers.Sight, p layers.PlaceID) bool {
	switch q.Part {
	case Seen:
		return sight.Counts.Has(p) || sight.Records.Has(p)
	case Records:
		return sight.SeesSome(p)
	case Beyond:
		return sight.Counts.Has(p) && !sight.Records.Has(p)
	}
	return false
}

// shares tells that of the features in that place, which the part reaches, some belong to it and others may not: their
// department decides.
func (q *Query) shares(sight layers.Sight, p layers.PlaceID) bool {
	return q.Part != Seen && !sight.Records.Has(p) && sight.SeesSome(p)
}

// everywhere tells that the part is all that there is.
func (q *Query) everywhere(sight layers.Sight) bool {
	return sight.Records.All && q.Part != Beyond || q.Part == Seen && sight.Counts.All ||
		q.Part == Beyond && sight.Counts.All && sight.Detail() < layers.DetailRecords
}

// exactOnly leaves the rows that may be counted exactly by a scope that rounds: there is no other way to rows for it.
func (q *Query) exactOnly() {
	if q.Part == Beyond {
		q.Part = noPart
	} else {
		q.Part = Records
	}
}

// plan is a query made ready for one table.
type plan struct {
	Query
	nothing bool
	timed   bool
	to      int32  // inclusive
	classes []bool // nil: any
	allowed []bool
	shared  []bool // of the places allowed those where the department decides; nil: none
	owned   []layers.Owned
}

func (s *Snapshot) plan(q Query) (*table, plan) {
	p := plan{Query: q, to: math.MaxInt32}
	n := slot(q.Kind)
	sight := q.Scope.Sight(q.Kind)
	if n < 0 || sight.Detail() == layers.DetailNone {
		return newTable(), plan{nothing: true}
	}
	if q.Scope.Rounds(q.Kind) {
		q.exactOnly()
		p.Query = q
	}
	t := s.tables[n]
	p.timed = q.From != 0 || q.To != 0
	if q.To != 0 {
		p.to = q.To - 1
		p.nothing = q.From > p.to
	}
	if q.Filter != nil {
		p.filter(q.Filter)
	}
	if q.OpenAt != 0 {
		p.during(math.MinInt32, int64(q.OpenAt)) // chunks of what came later are not looked into
	}
	if !q.everywhere(sight) || q.Place != 0 {
		p.allowed = s.allowed(&q, sight, len(t.tallies))
		p.share(sight)
	}
	return t, p
}

// filter adds the filter's parts to the conditions.
func (p *plan) filter(f *filter.Parts) {
	if f.From != filter.Any.From || f.Last != filter.Any.Last {
		p.during(f.From, int64(f.Last)+1)
	}
	if f.Statuses != filter.Any.Statuses {
		if p.Statuses == 0 {
			p.Statuses = filter.Any.Statuses
		}
		p.Statuses &= f.Statuses
		p.nothing = p.nothing || p.Statuses == 0
	}
	p.classes = f.Classes
	if one, other := p.Match, f.Rest; one == nil {
		p.Match = other
	} else if other != nil {
		p.Match = func(r *layers.Record) bool { return one(r) && other(r) }
	}
}

// during narrows the plan's time window to from ≤ Time < to.
func (p *plan) during(from int32, to int64) {
	if p.timed {
		from = max(from, p.From)
	}
	p.nothing = p.nothing || int64(from) >= min(to, int64(p.to)+1)
	p.From, p.timed = from, true
	p.to = int32(max(min(to-1, int64(p.to)), math.MinInt32))
}

// allowed are the places, by id, that are both in the query's part of the scope and in its place or below it.
func (s *Snapshot) allowed(q *Query, sight layers.Sight, n int) []bool {
	out := make([]bool, n)
	if q.Place == 0 {
		for i := range out {
			out[i] = q.reaches(sight, layers.PlaceID(i))
		}
		return out
	}
	lo, hi := s.tree.Range(q.Place)
	for o := lo; o < hi; o++ {
		if id := s.tree.At(o).ID; int(id) < n && q.reaches(sight, id) {
			out[id] = true
		}
	}
	return out
}

// share finds the allowed places where the department of each feature decides.
func (p *plan) share(sight layers.Sight) {
	if len(sight.Owned) == 0 {
		return
	}
	for i, yes := range p.allowed {
		if !yes || !p.shares(sight, layers.PlaceID(i)) {
			continue
		}
		if p.shared == nil {
			p.shared, p.owned = make([]bool, len(p.allowed)), sight.Owned
		}
		p.shared[i] = true
	}
}

// verdict of a chunk's summary.
type verdict uint8

const (
	none verdict = iota
	some
	every
)

func (p *plan) places(c *chunk) verdict {
	if p.allowed == nil {
		return every
	}
	if c.places == nil {
		return some
	}
	yes, shared := 0, false
	for _, id := range c.places {
		if p.allowed[id] {
			yes++
			shared = shared || p.shared != nil && p.shared[id]
		}
	}
	switch {
	case yes == 0:
		return none
	case yes == len(c.places) && !shared:
		return every
	}
	return some
}

func (p *plan) times(c *chunk) verdict {
	switch {
	case !p.timed || c.minTime >= p.From && c.maxTime <= p.to:
		return every
	case c.minTime > p.to || c.maxTime < p.From:
		return none
	}
	return some
}

func (p *plan) layers(c *chunk) verdict {
	switch {
	case p.Layers == 0 || c.all&p.Layers != 0:
		return every
	case c.any&p.Layers == 0:
		return none
	}
	return some
}

// pick selects the rows of a span column by column; whole tells that all were selected, and then picked is nil.
// The summaries settle most columns of most chunks before a row is read.
func (p *plan) pick(sp span, w *scratch) (picked []uint16, whole bool) {
	c := sp.chunk
	byPlace, byTime, byLayer := p.places(c), p.times(c), p.layers(c)
	if p.nothing || byPlace == none || byTime == none || byLayer == none {
		return nil, false
	}
	sel := w.sel[:0]
	whole = true
	if byTime == some || p.Statuses != 0 {
		if rows, ok := p.few(sp); ok {
			sel, whole = append(sel, rows...), false
		}
	}
	narrow := func(keep func(sel []uint16) []uint16) {
		if whole {
			sel = w.identity(sp.lo, sp.hi)
			whole = false
		}
		sel = keep(sel)
	}
	if byLayer == some {
		narrow(func(sel []uint16) []uint16 { return keepLayers(sel, c.layers, p.Layers) })
	}
	if byPlace == some {
		narrow(func(sel []uint16) []uint16 { return p.keepOwned(keepPlaces(sel, c.place, p.allowed), c) })
	}
	if byTime == some {
		narrow(func(sel []uint16) []uint16 { return keepTimes(sel, c.time, p.From, p.to) })
	}
	if p.Statuses != 0 {
		if c.status == nil && p.Statuses&1 == 0 {
			return nil, false
		}
		if c.status != nil {
			narrow(func(sel []uint16) []uint16 { return keepStatuses(sel, c.status, p.Statuses) })
		}
	}
	if p.OpenAt != 0 {
		narrow(func(sel []uint16) []uint16 { return keepOpen(sel, c, p.OpenAt) })
	}
	if p.classes != nil {
		narrow(func(sel []uint16) []uint16 { return keepClasses(sel, c.class, p.classes) })
	}
	if p.Match != nil {
		narrow(func(sel []uint16) []uint16 { return p.keepMatches(sel, c, w) })
	}
	return sel, whole
}

// scratch is what one goroutine needs while it looks at chunks.
type scratch struct {
	sel     [mostRows]uint16
	records [matchRows]layers.Record
}

// matchRows is how many records are put together at once for Match: 10 KB, which stay in a processor's first cache.
const matchRows = 256

func (w *scratch) identity(lo, hi int) []uint16 {
	sel := w.sel[:hi-lo]
	for i := range sel {
		sel[i] = uint16(lo + i)
	}
	return sel
}

func keepLayers(sel []uint16, column []uint64, mask uint64) []uint16 {
	n := 0
	for _, r := range sel {
		sel[n] = r
		if column[r]&mask != 0 {
			n++
		}
	}
	return sel[:n]
}

func keepPlaces(sel []uint16, column []layers.PlaceID, allowed []bool) []uint16 {
	if column == nil {
		return sel // none is in a place; the chunk's summary has settled that
	}
	n := 0
	for _, r := range sel {
		sel[n] = r
		if allowed[column[r]] {
			n++
		}
	}
	return sel[:n]
}

// keepOwned keeps, of the rows in places where the department decides, those that are the scope's own; beyond the records
// it keeps the others.
func (p *plan) keepOwned(sel []uint16, c *chunk) []uint16 {
	if p.shared == nil {
		return sel
	}
	own := p.Part != Beyond
	var last struct { // rows of one place and department often follow each other
		place      layers.PlaceID
		department int16
		keep, any  bool
	}
	n := 0
	for _, r := range sel {
		place, department := at(c.place, int(r)), at(c.department, int(r))
		sel[n] = r
		switch {
		case !p.shared[place]:
			n++
			continue
		case !last.any || last.place != place || last.department != department:
			last.any, last.place, last.department = true, place, department
			last.keep = layers.Sight{Owned: p.owned}.Sees(place, department) == own
		}
		if last.keep {
			n++
		}
	}
	return sel[:n]
}

func keepTimes(sel []uint16, column []int32, from, to int32) []uint16 {
	n := 0
	for _, r := range sel {
		sel[n] = r
		if t := column[r]; t >= from && t <= to {
			n++
		}
	}
	return sel[:n]
}

func keepStatuses(sel []uint16, column []uint8, statuses uint16) []uint16 {
	n := 0
	for _, r := range sel {
		sel[n] = r
		if statuses>>column[r]&1 != 0 {
			n++
		}
	}
	return sel[:n]
}

// keepOpen keeps what had been reported before a minute and was not closed by then. What was closed or voided nobody
// knows when is left out; what was closed and opened again counts as open all the while.
func keepOpen(sel []uint16, c *chunk, minute int32) []uint16 {
	n := 0
	for _, r := range sel {
		sel[n] = r
		if openAt(minute, at(c.time, int(r)), at(c.closed, int(r)), at(c.status, int(r))) {
			n++
		}
	}
	return sel[:n]
}

func openAt(minute, reported, closed int32, status uint8) bool {
	if closed == 0 {
		return reported < minute && status != layers.StatusClose && status != layers.StatusVoid
	}
	return reported < minute && closed >= minute
}

func keepClasses(sel []uint16, column []uint16, classes []bool) []uint16 {
	n := 0
	for _, r := range sel {
		sel[n] = r
		if class := int(at(column, int(r))); class < len(classes) && classes[class] {
			n++
		}
	}
	return sel[:n]
}

func (p *plan) keepMatches(sel []uint16, c *chunk, w *scratch) []uint16 {
	clear(w.records[:])
	n := 0
	for done := 0; done < len(sel); done += matchRows {
		part := sel[done:min(done+matchRows, len(sel))]
		c.records(part, w.records[:])
		for i, r := range part {
			sel[n] = r
			if p.Match(&w.records[i]) {
				n++
			}
		}
	}
	return sel[:n]
}

// parallelRows is how many rows are worth a second goroutine (about a millisecond of work).
const parallelRows = 200_000

// scan gives every picked part of the spans to each, in order, on as many processors as the rows are worth; it returns
// what each goroutine made, in the order of the spans.
func scan[T any](p *plan, spans []span, each func(part *T, sp span, picked []uint16, whole bool)) []T {
	return scanMasses(p, spans, nil, each)
}

// scanMasses is scan for sums: whole chunks of which the summary tells the mass are offered to take first.
func scanMasses[T any](p *plan, spans []span, take func(part *T, c *chunk, m mass) bool, each func(part *T, sp span, picked []uint16, whole bool)) []T {
	pieces := cut(spans)
	out := make([]T, len(pieces))
	work := func(i int) {
		w := &scratch{}
		for _, sp := range pieces[i] {
			if take != nil && !sp.exact && sp.hi-sp.lo == sp.chunk.len() {
				if m, ok := p.massOf(sp.chunk); ok && (m.n == 0 || take(&out[i], sp.chunk, m)) {
					continue
				}
			}
			if picked, whole := p.pick(sp, w); whole || len(picked) > 0 {
				each(&out[i], sp, picked, whole)
			}
		}
	}
	var others sync.WaitGroup
	for i := 1; i < len(pieces); i++ {
		others.Go(func() { work(i) })
	}
	if len(pieces) > 0 {
		work(0)
	}
	others.Wait()
	return out
}

func cut(spans []span) [][]span {
	rows := 0
	for _, sp := range spans {
		rows += sp.hi - sp.lo
	}
	n := min(runtime.GOMAXPROCS(0), 1+rows/parallelRows)
	var out [][]span
	start, seen := 0, 0
	for i, sp := range spans {
		seen += sp.hi - sp.lo
		if seen*n >= rows*(len(out)+1) || i == len(spans)-1 {
			out = append(out, spans[start:i+1])
			start = i + 1
		}
	}
	return out
}
