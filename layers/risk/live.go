package risk

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/index"
	"onepicture/layers/ledger"
	"onepicture/layers/risk/model"
)

// City is what the estimate asks of the picture in memory.
type City struct {
	World    func() *World // nil until it is read
	Snapshot func() *index.Snapshot
	Changed  func() <-chan struct{} // closed when there is a newer snapshot
}

// Update is a batch that the index has applied.
type Update struct {
	Through    layers.Position
	At         time.Time
	Effects    []index.Effect
	Configured bool // places or catalogue have changed
}

// Live keeps the estimate at the index's position. One goroutine, Run's, computes; readers take a picture.
type Live struct {
	pool   *pgxpool.Pool
	ledger *ledger.Ledger
	city   City
	tests  *Backtests
	now    func() time.Time
	tick   time.Duration

	picture atomic.Pointer[Picture]
	alarms  atomic.Pointer[[]Alarm]
	signals atomic.Pointer[Signals]
	mu      sync.Mutex
	queue   []Update
	wake    chan struct{}

	work     sync.WaitGroup // fits and looks for signals, beside the estimate
	watching atomic.Bool
}

// NewLive estimates over the pool, whose statements must not be timed out.
func NewLive(pool *pgxpool.Pool, l *ledger.Ledger, city City, tests *Backtests, now func() time.Time) *Live {
	return &Live{pool: pool, ledger: l, city: city, tests: tests, now: now, tick: 5 * time.Second, wake: make(chan struct{}, 1)}
}

// Picture is the present one; nil while the first is being made.
func (l *Live) Picture() *Picture { return l.picture.Load() }

// Publish takes what the index has applied. It does not block.
func (l *Live) Publish(u Update) {
	l.mu.Lock()
	l.queue = append(l.queue, u)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *Live) take() []Update {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.queue
	l.queue = nil
	return q
}

// Run estimates until ctx ends. What fails is told and tried again; the last picture stays.
func (l *Live) Run(ctx context.Context, failed func(error)) {
	defer l.work.Wait()
	for l.city.Snapshot() == nil || l.city.World() == nil {
		changed := l.city.Changed()
		if l.city.Snapshot() != nil && l.city.World() != nil {
			break
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-time.After(l.tick):
		}
	}
	var w *worker
	for ctx.Err() == nil {
		var err error
		began := time.Now()
		if w == nil {
			w, err = l.begin(ctx)
		} else {
			w, err = w.step(ctx)
		}
		if err != nil && ctx.Err() == nil {
			failed(err)
		}
		pause(ctx, nil, min(breath*time.Since(began), l.tick))
		pause(ctx, l.wake, l.tick)
	}
}

// breath is how many times as long as it has worked the estimate rests: it follows a single event at once, and of a flood
// it takes several together, or it would keep a processor from those who ask.
const breath = 19

// pause waits for a time, for a word, or until ctx ends.
func pause(ctx context.Context, word <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-word:
	case <-t.C:
	}
}

// worker owns what changes.
type worker struct {
	l        *Live
	d        *Division
	tree     *layers.Tree
	world    *World
	days     dayTable
	panels   map[uint16]*[channels]model.Panel
	complete map[uint16]*completeness
	kernels  map[uint16]*[channels]*model.Kernel
	model    *Fitted
	input    *Input
	position layers.Position
	at       time.Time
	touched  map[uint16]bool
	checked  time.Time // the clock and the sources
	watched  time.Time // for signals
	shares   *shares
	fits     chan fitResult // of a fit under way beside the estimate
}

type completeness struct{ all, known int }

// begin gathers everything from one snapshot of the index.
func (l *Live) begin(ctx context.Context) (*worker, error) {
	snap, world := l.city.Snapshot(), l.city.World()
	w := &worker{l: l, tree: snap.Tree(), world: world, position: snap.Position(), at: snap.At(), touched: map[uint16]bool{}}
	w.d = ByPlace(w.tree, true, exposures(snap))
	w.gather(snap)
	if err := w.refit(ctx, false); err != nil {
		return nil, err
	}
	if err := w.renew(ctx); err != nil {
		return nil, err
	}
	return w, nil
}

// exposures are what may explain how much can happen: residents, as released, and sites.
func exposures(snap *index.Snapshot) []map[layers.PlaceID]float64 {
	var out []map[layers.PlaceID]float64
	t := snap.Tree()
	for _, k := range []layers.Kind{layers.KindPerson, layers.KindSite} {
		column := map[layers.PlaceID]float64{}
		for o, f := range snap.FiguresByPlace(k, layers.Loopback()) {
			column[t.At(int32(o)).ID] = float64(f.N)
		}
		out = append(out, column)
	}
	return out
}

// counted tells in which leaf and on which day a row counts.
func (w *worker) counted(r *index.Row) (leaf, day int32, ok bool) {
	if r == nil || r.Status == layers.StatusVoid {
		return 0, 0, false
	}
	leaf, ok = w.d.LeafOf(r.Place)
	return leaf, w.days.of(r.Time), ok
}

// gather fills the panels by counting: 60 ns an event and processor.
func (w *worker) gather(snap *index.Snapshot) {
	w.days = newDayTable(w.world.Zone, w.l.now())
	type event struct {
		class     uint16
		group     uint8
		leaf, day int32
	}
	type part struct {
		events   []event
		complete map[uint16]*completeness
	}
	year := w.days.of(layers.Minutes(w.l.now())) - 365
	parts := index.Visit(snap, index.Query{Kind: layers.KindEvent, Scope: layers.Internal("risk")}, func(p *part, r *index.Row) {
		if p.complete == nil {
			p.complete = map[uint16]*completeness{}
		}
		c := p.complete[r.Class]
		if c == nil {
			c = &completeness{}
			p.complete[r.Class] = c
		}
		leaf, day, ok := w.counted(r)
		channel := r.Flags & layers.ChannelMask
		if r.Status != layers.StatusVoid && day >= year {
			c.all++
			if ok && channel != 0 {
				c.known++
			}
		}
		if ok {
			p.events = append(p.events, event{r.Class, uint8(channelGroup(uint8(channel))), leaf, day})
		}
	})
	w.panels, w.complete = map[uint16]*[channels]model.Panel{}, map[uint16]*completeness{}
	first := w.firstDay(func(each func(day int32)) {
		for _, p := range parts {
			for i := range p.events {
				each(p.events[i].day)
			}
		}
	})
	for _, p := range parts {
		for class, c := range p.complete {
			if w.complete[class] == nil {
				w.complete[class] = &completeness{}
			}
			w.complete[class].all += c.all
			w.complete[class].known += c.known
		}
		for _, e := range p.events {
			days := w.panel(e.class, first)[e.group].Days
			days[e.leaf] = append(days[e.leaf], e.day)
		}
	}
	for _, p := range w.panels {
		for g := range p {
			for _, days := range p[g].Days {
				slices.Sort(days)
			}
		}
	}
}

func (w *worker) panel(class uint16, first int32) *[channels]model.Panel {
	p := w.panels[class]
	if p == nil {
		p = &[channels]model.Panel{}
		for g := range p {
			p[g] = model.Panel{Start: first, Days: make([][]int32, w.d.Areas.Leaves)}
		}
		w.panels[class] = p
	}
	return p
}

// firstDay leaves out the thousandth of events that are dated the earliest: a few wrong dates begin no history.
func (w *worker) firstDay(all func(each func(day int32))) int32 {
	n := map[int32]int{}
	total := 0
	all(func(day int32) { n[day]++; total++ })
	days := make([]int32, 0, len(n))
	for d := range n {
		days = append(days, d)
	}
	slices.Sort(days)
	seen := 0
	for _, d := range days {
		if seen += n[d]; seen > total/1000 {
			return d
		}
	}
	return w.days.of(layers.Minutes(w.l.now()))
}

// step applies what has come, and looks at clock and sources now and then.
func (w *worker) step(ctx context.Context) (*worker, error) {
	for _, u := range w.l.take() {
		if u.Configured && w.l.city.Snapshot().Tree() != w.tree {
			return w.again(ctx)
		}
		if u.Through > w.position {
			w.apply(u)
		}
		w.position, w.at = max(w.position, u.Through), later(w.at, u.At)
	}
	if time.Since(w.checked) >= w.l.tick {
		if err := w.refit(ctx, true); err != nil {
			return w, err
		}
		if err := w.renew(ctx); err != nil {
			return w, err
		}
		if time.Since(w.watched) >= watchEvery {
			w.watch(ctx)
		}
		return w, nil
	}
	w.show()
	return w, nil
}

// again begins anew, after places have changed. Until it has succeeded the old picture stays.
func (w *worker) again(ctx context.Context) (*worker, error) {
	next, err := w.l.begin(ctx)
	if err != nil {
		return nil, err
	}
	return next, nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// apply counts what was put and no longer counts what it replaced. Lists that readers hold are not touched.
func (w *worker) apply(u Update) {
	for i := range u.Effects {
		e := &u.Effects[i]
		if e.Kind != layers.KindEvent {
			continue
		}
		w.count(e.Old, false)
		w.count(e.New, true)
	}
}

func (w *worker) count(r *index.Row, add bool) {
	leaf, day, ok := w.counted(r)
	if !ok {
		return
	}
	p := w.panel(r.Class, w.model.Start)
	if !w.touched[r.Class] {
		w.touched[r.Class] = true
		fresh := *p
		for g := range fresh {
			fresh[g].Days = slices.Clone(fresh[g].Days)
		}
		p = &fresh
		w.panels[r.Class] = p
	}
	days := p[channelGroup(uint8(r.Flags&layers.ChannelMask))].Days
	list := days[leaf]
	at, found := slices.BinarySearch(list, day)
	switch {
	case add:
		days[leaf] = slices.Insert(slices.Clip(list), at, day)
	case found:
		days[leaf] = append(slices.Clone(list[:at]), list[at+1:]...)
	}
}

// show publishes the picture of the present position.
func (w *worker) show() {
	old := w.l.picture.Load()
	if old.Position == w.position && len(w.touched) == 0 {
		return
	}
	w.l.picture.Store(w.paint(old))
}

// paint makes the picture of the present position. What nothing has touched is taken from the old one, if there is one.
func (w *worker) paint(old *Picture) *Picture {
	p := &Picture{
		Position: w.position, At: w.at, Model: w.model, Input: w.input, Division: w.d, Tree: w.tree, World: w.world,
		panels: map[uint16]*[channels]model.Panel{}, kernels: w.kernels,
	}
	for i := range w.model.Categories { // a category without events yet has an empty panel
		w.panel(w.model.Categories[i].Class, w.model.Start)
	}
	for class, panel := range w.panels {
		p.panels[class] = panel
	}
	if old != nil {
		p.node, p.level, p.peers = old.node, old.level, old.peers
	} else {
		p.places()
	}
	p.compute(old, func(class uint16) bool { return w.touched[class] })
	clear(w.touched)
	return p
}

// digest of the tree: models belong to one.
func digest(d *Division) []byte {
	h := sha256.New()
	for _, id := range d.Nodes {
		_ = binary.Write(h, binary.LittleEndian, int32(id)) // to a hash it never fails
	}
	_ = binary.Write(h, binary.LittleEndian, d.Areas.Parent)
	return h.Sum(nil)[:12]
}

// dayTable finds the civil day of a minute: zones move by quarters of an hour.
type dayTable struct {
	zone *time.Location
	from int32 // minute of the first entry
	day  []int32
}

func newDayTable(zone *time.Location, now time.Time) dayTable {
	const years = 6
	t := dayTable{zone: zone, from: layers.Minutes(now.AddDate(1-years, 0, 0)) / 15 * 15}
	for i := range int32(years * 366 * 96) {
		t.day = append(t.day, t.exact(t.from+15*i))
	}
	return t
}

func (t *dayTable) exact(minute int32) int32 {
	return layers.Days(time.Unix(int64(minute)*60, 0).In(t.zone))
}

func (t *dayTable) of(minute int32) int32 {
	if i := (int64(minute) - int64(t.from)) / 15; i >= 0 && i < int64(len(t.day)) && minute >= t.from {
		return t.day[i]
	}
	return t.exact(minute)
}

var errNoPicture = errors.New("the risk of places is being computed")

// Wait until the picture has reached a position, for tests and for those who have just written.
func (l *Live) Wait(ctx context.Context, p layers.Position) error {
	for {
		if now := l.Picture(); now != nil && now.Position >= p {
			return nil
		}
		t := time.NewTimer(2 * time.Millisecond)
		select {
		case <-ctx.Done():
			t.Stop()
			return cmp.Or(ctx.Err(), errNoPicture)
		case <-t.C:
		}
	}
}
