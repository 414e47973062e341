// Package bench measures this server beside the usual ways of doing the same, in one run on one machine, and checks
// while measuring that both give the same numbers.
package bench

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/api"
	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/account"
	"onepicture/layers/audit"
	"onepicture/layers/cache"
	"onepicture/layers/filter"
	"onepicture/layers/index"
	"onepicture/layers/ledger"
	"onepicture/layers/store"
	"onepicture/layers/tile"
)

// IDs are the rows that can be asked for.
var IDs = []string{"1", "2", "3", "4", "5", "6", "7", "8", "10"}

// Options of a run.
type Options struct {
	Only   []string      // rows; empty: all
	Within time.Duration // for the repetitions of one measurement; 0: three seconds
	Round  time.Duration // of load on one server; 0: one second
	Report func(Row)     // called for each row when it is there; may be nil
}

// run is one run over one loaded city.
type run struct {
	Options
	pool    *pgxpool.Pool
	store   *store.Store
	snap    *index.Snapshot
	tiles   *tile.Builder
	api     *api.Server
	scope   layers.Scope // of what is asked of the index and the builder
	cookie  string       // of a session, for what is asked of the whole server
	running sync.WaitGroup
	sees    []int64 // the places of the scope
	took    time.Duration
}

// Run loads the index from a database with the synthetic city and measures. A difference between our numbers and SQL's
// is an error.
func Run(ctx context.Context, pool *pgxpool.Pool, o Options) (rows []Row, err error) {
	for _, id := range o.Only {
		if !slices.Contains(IDs, id) {
			return nil, fmt.Errorf("there is no row %q: there are %s", id, strings.Join(IDs, ", "))
		}
	}
	if o.Within == 0 {
		o.Within = 3 * time.Second
	}
	if o.Round == 0 {
		o.Round = time.Second
	}
	r := &run{Options: o, pool: pool}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	defer func() { cancel(); <-ended; r.running.Wait() }()
	if err := r.open(ctx, ended); err != nil {
		return nil, err
	}
	for _, m := range []struct {
		id string
		do func(context.Context) (Row, error)
	}{
		{"10", r.memory}, {"1", r.cityTile}, {"2", r.townTile}, {"3", r.siteTile}, {"4", r.hot}, {"5", r.unchanged},
		{"6", r.polygon}, {"7", r.villages}, {"8", r.imports},
	} {
		if len(o.Only) > 0 && !slices.Contains(o.Only, m.id) {
			continue
		}
		row, err := m.do(ctx)
		if err != nil {
			return rows, fmt.Errorf("row %s: %w", m.id, err)
		}
		row.ID = m.id
		rows = append(rows, row)
		if o.Report != nil {
			o.Report(row)
		}
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return slices.Index(IDs, a.ID) - slices.Index(IDs, b.ID) })
	return rows, nil
}

func (r *run) open(ctx context.Context, ended chan<- error) error {
	l := ledger.New(r.pool)
	r.store = store.New(r.pool, l, index.New())
	failed := make(chan error, 1)
	changed := r.store.Index().Changed()
	began := time.Now()
	go func() {
		err := r.store.Run(ctx, func(store.Applied) {})
		failed <- err
		ended <- err
	}()
	select {
	case <-changed:
	case err := <-failed:
		return err
	}
	r.took = time.Since(began)
	r.snap = r.store.Index().Snapshot()
	r.tiles = tile.NewBuilder(r.store, r.store.Catalogue)
	c, err := cache.New(cache.Options{})
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, c.Close)
	r.chooseScope()
	deeds := audit.New(r.pool, nil) // counts every tile, as a server's does
	accounts := account.New(r.pool, l, account.Options{Tree: func() *layers.Tree { return r.snap.Tree() }})
	r.running.Go(func() { accounts.Run(ctx) })
	r.api, err = api.New(api.Options{
		Store: r.store, Changes: l, Audit: deeds, Tiles: r.tiles, Cache: c, Postgres: r.pool,
		Accounts: accounts,
	})
	if err == nil {
		r.cookie, err = Session(ctx, accounts)
	}
	return err
}

// chooseScope is an account of all towns but the first: a scope that has to be looked at.
func (r *run) chooseScope() {
	var most layers.Reach
	t := r.snap.Tree()
	root := t.Roots()[0]
	lo, hi := t.Range(root)
	skipLo, skipHi := t.Range(t.Children(root)[0].ID)
	for o := lo; o < hi; o++ {
		if o < skipLo || o >= skipHi {
			id := t.At(o).ID
			most.Places.Add(id)
			r.sees = append(r.sees, int64(id))
		}
	}
	sight := layers.Sight{Counts: most, Records: most}
	r.scope = layers.Scope{Actor: "bench", Person: sight, Site: sight, Event: sight}.Sealed()
}

// where is the SQL condition of a layer, the scope and a tile's frame (nil: everywhere), with its arguments.
func (r *run) where(l *layers.Layer, t *geo.Tile) (string, []any, error) {
	w := r.store.World()
	f, err := filter.Parse(l.Kind, l.Filter, w.Catalogue, w.Deployment.Zone)
	if err != nil {
		return "", nil, err
	}
	text, args := "place_id = any($1::int8[])", []any{r.sees}
	if t != nil {
		b := t.Bound()
		text += " and geom && st_makeenvelope($2, $3, $4, $5, 4326)"
		args = append(args, b.Min[0], b.Min[1], b.Max[0], b.Max[1])
	}
	return text + " and (" + f.SQL(&args, r.store.Today()) + ")", args, nil
}

// busiest is the tile of a zoom in the city's frame whose count is nearest to a number.
func (r *run) busiest(q index.Query, z uint8, near int) (best geo.Tile, n int) {
	b := r.snap.Tree().Place(r.snap.Tree().Roots()[0]).Bound
	x0, y0 := geo.KeyOf(b.Min[0], b.Max[1]).XY()
	x1, y1 := geo.KeyOf(b.Max[0], b.Min[1]).XY()
	shift, off := 32-z, -1
	for x := x0 >> shift; x <= x1>>shift; x++ {
		for y := y0 >> shift; y <= y1>>shift; y++ {
			t := geo.Tile{Z: z, X: x, Y: y}
			k := r.snap.CountTile(q, t)
			if d := max(k-near, near-k); k > 0 && (off < 0 || d < off) {
				best, n, off = t, k, d
			}
		}
	}
	return best, n
}

// memory is row 10.
func (r *run) memory(context.Context) (Row, error) {
	n := 0
	for _, k := range layers.Kinds {
		n += r.snap.Len(k)
	}
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return Row{}, fmt.Errorf("read memory: %w", err)
	}
	each := float64(r.snap.Bytes()) / float64(max(n, 1))
	scaled := r.took.Seconds() / float64(max(r.snap.Len(layers.KindPerson), 1)) * 10e6
	row := Row{
		What:  fmt.Sprintf("index of %d features from PostGIS: memory, start", n),
		Ours:  fmt.Sprintf("%.1f B a feature; loaded in %s; peak RSS %d MiB", each, short(r.took), u.Maxrss>>10),
		Ratio: fmt.Sprintf("%.1f s for 10 M people at this rate", scaled), Baseline: "–", Target: "≤ 64 B, ≤ 12 s for 10 M people", Met: Open,
	}
	if r.snap.Len(layers.KindPerson) >= 10_000_000 || each > 64 {
		row.Met = verdict(each <= 64 && r.took <= 12*time.Second)
	}
	return row, nil
}

// hot is row 4.
func (r *run) hot(ctx context.Context) (Row, error) { return r.overHTTP(ctx, false) }

// unchanged is row 5.
func (r *run) unchanged(ctx context.Context) (Row, error) { return r.overHTTP(ctx, true) }

func (r *run) overHTTP(ctx context.Context, conditional bool) (Row, error) {
	l, q, err := r.layer(r.mostSites())
	if err != nil {
		return Row{}, err
	}
	t, _ := r.busiest(q, 14, 1000)
	path := "/tiles/" + l.Code + "/" + t.String() + ".mvt"
	first, err := fetch(ctx, r.api.Handler(), path, r.cookie)
	if err != nil {
		return Row{}, err
	}
	row := Row{What: "hot tile through the whole server, session and scope checked", Target: "≥ 0.85 of bare Gin with the same bytes"}
	least, etag, want := 0.85, "", answer{http.StatusOK, len(first.body)}
	if conditional {
		row.What, row.Target = "conditional request, unchanged tile, session and scope checked", "≥ 0.9 of bare Gin's empty 304"
		least, etag, want = 0.9, first.etag, answer{status: http.StatusNotModified}
	}
	rates, took, err := duel(ctx, r.api.Handler(), bare(want.status, first.kind, first.body), path, r.cookie, etag, want, r.Round)
	if err != nil {
		return Row{}, err
	}
	ratio := rates[0] / rates[1]
	row.P50, row.P99 = percentile(took, 0.5), percentile(took, 0.99)
	row.Ours = strconv.Itoa(int(rates[0])) + " requests/s, " + strconv.Itoa(want.length) + " B"
	row.Baseline = strconv.Itoa(int(rates[1])) + " requests/s"
	row.Ratio, row.Met = fmt.Sprintf("%.2f", ratio), verdict(ratio >= least)
	return row, nil
}
