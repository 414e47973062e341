package api

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"onepicture/layers"
	"onepicture/layers/ledger"
)

// event is one server-sent event.
type event struct{ id, name, data string }

// listening reads a stream over a real connection.
type listening struct {
	body   *bufio.Reader
	close  func()
	lastID string
	status int
}

func listen(t testing.TB, server *httptest.Server, lastID string) *listening {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+streamRoute, nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	l := listenTo(t, server, r)
	end := l.close
	l.close, l.lastID = func() { cancel(); end() }, lastID
	return l
}

// listenTo reads the stream that a request asks for.
func listenTo(t testing.TB, server *httptest.Server, r *http.Request) *listening {
	t.Helper()
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return &listening{bufio.NewReader(response.Body), func() { response.Body.Close() }, "", response.StatusCode}
}

// next is the next event; ok is false at the end of the stream.
func (l *listening) next() (e event, ok bool) {
	for {
		line, err := l.body.ReadString('\n')
		if err != nil {
			return e, false
		}
		line = strings.TrimSuffix(line, "\n")
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "":
			if e.name != "" {
				if e.id != "" {
					l.lastID = e.id
				}
				return e, true
			}
		}
	}
}

// until reads to the first event of a name.
func (l *listening) until(t testing.TB, name string) event {
	t.Helper()
	for {
		e, ok := l.next()
		if !ok {
			t.Fatalf("the stream ended before a %s", name)
		}
		if e.name == name {
			return e
		}
	}
}

func serveTown(t *testing.T, w *town) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(w.Handler())
	t.Cleanup(func() { w.Close(); server.Close() })
	return server
}

// Who takes gzip is told in it, who does not in plain text, the same.
func TestStreamsInGzipAndPlain(t *testing.T) {
	w := newTown(t, nil)
	server := serveTown(t, w)
	reported := answer[Reported](t, w.report(t, reportBody, ""))
	position, err := layers.ParsePosition(reported.Position)
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for _, c := range []struct{ asked, encoding string }{{"gzip, br", "gzip"}, {"br", ""}, {"identity", ""}, {"gzip;q=0, identity", ""}} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+streamRoute+"?after="+(position-1).String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", c.asked)
		response, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if got := response.Header.Get("Content-Encoding"); got != c.encoding || response.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("asked for %q: encoding %q, Vary %q", c.asked, got, response.Header.Get("Vary"))
		}
		var body io.Reader = response.Body
		if c.encoding == "gzip" {
			if body, err = gzip.NewReader(body); err != nil {
				t.Fatal(err)
			}
		}
		l := &listening{bufio.NewReader(body), func() {}, "", response.StatusCode}
		told[l.until(t, "change").data] = c.asked
	}
	if len(told) != 1 {
		t.Errorf("they are told different things: %v", told)
	}
}

func TestStreamTellsAtOnce(t *testing.T) {
	w := newTown(t, nil)
	server := serveTown(t, w)
	l := listen(t, server, "")
	defer l.close()
	l.until(t, "position")
	reported := answer[Reported](t, w.report(t, reportBody, ""))
	began := time.Now()
	e := l.until(t, "change")
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v", took)
	}
	var c Change
	if err := json.Unmarshal([]byte(e.data), &c); err != nil {
		t.Fatal(err)
	}
	if c.Position != reported.Position || e.id != reported.Position || *c.ID != reported.Event.ID || *c.Lon != 113.05 || *c.Place != gridA ||
		*c.Category != "flood" || *c.Status != "report" || fmt.Sprint(c.Layers) != "[events]" || c.Op != layers.OpPut || c.Count != nil {
		t.Errorf("%s", e.data)
	}
	// What the stream tells is in the picture already.
	if f := answer[Figures](t, w.get("/api/places/"+gridA+"/figures")); *f.Totals.Event != 4 {
		t.Errorf("the figures know of %d events", *f.Totals.Event)
	}
	if p := l.until(t, "position"); p.id < e.id {
		t.Errorf("position %s after %s", p.id, e.id)
	}
	l.until(t, "position") // the heartbeat
}

// put records changes of features as an import or a dispatcher would, without touching rows.
func put(t testing.TB, l *ledger.Ledger, changes ...layers.Change) layers.Position {
	t.Helper()
	r, err := l.Write(context.Background(), ledger.Act{Actor: "test", Reason: "test"}, func(tx *ledger.Tx) error {
		for _, c := range changes {
			tx.Record(c)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return r.Position
}

func at(place layers.PlaceID, lon float64, bits uint64) *layers.Location {
	return &layers.Location{Geom: orb.Point{lon, 23.05}, Place: place, Layers: bits}
}

func TestWhatStreamsTell(t *testing.T) {
	everything := layers.Loopback()
	var b layers.Reach
	b.Places.Add(3)
	inB, counted := layers.Sight{Counts: b, Records: b}, layers.Sight{Counts: layers.Everywhere()}
	townB := layers.Scope{Person: inB, Site: inB, Event: inB}
	counts := layers.Scope{Person: counted, Site: counted, Event: counted}
	townOfCounts := layers.Scope{Person: layers.Sight{Counts: b}, Threshold: 10}
	nothing := layers.Scope{Site: layers.Sight{Records: layers.Everywhere()}}
	released := layers.Change{Kind: layers.KindRelease, Op: layers.OpBatch, IDs: []layers.IDRange{{First: 3, Last: 3}}}
	crowd := layers.Change{Kind: layers.KindPerson, Op: layers.OpBatch, IDs: []layers.IDRange{{First: 3, Last: 5}}}
	w := newTown(t, nil)
	world := w.Store.World()
	moved := layers.Change{Kind: layers.KindEvent, Op: layers.OpPut, FeatureID: 7, Old: at(3, 113.15, 1), New: at(5, 113.05, 3), Record: &layers.Record{Class: 1, Level: 2, Status: 2}}
	person := layers.Change{Kind: layers.KindPerson, Op: layers.OpPut, FeatureID: 9, New: at(5, 113.05, 1), Record: &layers.Record{}}
	gone := layers.Change{Kind: layers.KindEvent, Op: layers.OpDelete, FeatureID: 7, Old: at(5, 113.05, 1)}
	department := func(d int16) layers.Scope {
		return layers.Scope{Event: layers.Sight{Counts: layers.Everywhere(), Owned: []layers.Owned{{Department: d, Reach: part("A")}}}}
	}
	handed, ended := moved, gone
	handed.Old, handed.New, ended.Old = at(5, 113.05, 1), at(5, 113.05, 3), at(5, 113.05, 1)
	handed.Old.Department, handed.New.Department, ended.Old.Department = 1, 2, 2
	left := handed
	left.New = at(3, 113.15, 3)
	left.New.Department = 2
	batch := layers.Change{Kind: layers.KindEvent, Op: layers.OpBatch, IDs: []layers.IDRange{{First: 3, Last: 5}, {First: 9, Last: 9}}}
	for _, c := range []struct {
		name   string
		change layers.Change
		scope  layers.Scope
		want   []string
		never  []string
	}{
		{"a move, to all", moved, everything, []string{`"id":7`, `"lon":113.05`, `"place":"` + gridA, `"layers":["events","fires"]`, `"status":"accept"`}, []string{"113.15"}},
		{"a move, to those it left", moved, townB, []string{`"op":"delete"`, `"id":7`}, []string{"113.05", gridA, "accept"}},
		{"a move, to counters", moved, counts, []string{`"op":"put"`, `"id":null`}, []string{"113.", gridA, "accept", `"id":7`}},
		{"a move, to those who see no events", moved, nothing, nil, nil},
		{"a person, to exact counters", person, counts, []string{`"kind":"person"`, `"layers":["elderly"]`, `"id":null`, `"lon":null`, `"place":null`}, []string{"113.", gridA, `"id":9`}},
		{"a person elsewhere", person, townB, nil, nil},
		{"a person, to those who are told rounded numbers", person, everything, nil, nil},
		{"persons, to those who are told rounded numbers", crowd, everything, nil, nil},
		{"persons, to exact counters", crowd, counts, []string{`"count":3`}, nil},
		{"a release", released, everything, []string{`"kind":"release"`}, []string{`"id":3`}},
		{"a release, to exact counters", released, counts, nil, nil},
		{"an account", layers.Change{Kind: layers.KindAccount, Op: layers.OpPut, FeatureID: 3}, everything, nil, nil},
		{"an end, to all", gone, everything, []string{`"op":"delete"`, `"lon":113.05`}, nil},
		{"an end elsewhere", gone, townB, nil, nil},
		{"handed over, to the department that had it", handed, department(1), []string{`"op":"delete"`, `"id":7`, `"lon":null`}, []string{"accept", "113."}},
		{"handed over, to the department that has it", handed, department(2), []string{`"op":"put"`, `"id":7`, `"lon":113.05`, `"status":"accept"`}, nil},
		{"handed over, to another", handed, department(3), []string{`"op":"put"`, `"id":null`}, []string{"113.", "accept", `"id":7`}},
		{"handed over and out of its places", left, department(2), []string{`"id":null`}, []string{"113.", "accept", `"id":7`}},
		{"handed over, to who sees all", handed, everything, []string{`"op":"put"`, `"id":7`}, nil},
		{"an end, to its department", ended, department(2), []string{`"op":"delete"`, `"lon":113.05`}, nil},
		{"an end, to another department", ended, department(1), []string{`"id":null`}, []string{"113."}},
		{"a batch", batch, everything, []string{`"count":4`, `"id":null`}, nil},
		{"a batch, to those who see one town", batch, townB, []string{`"kind":"event"`, `"count":null`}, nil},
		{"a release elsewhere", layers.Change{Kind: layers.KindRelease, Op: layers.OpBatch, IDs: []layers.IDRange{{First: 2, Last: 2}}}, townOfCounts, nil, nil},
		{"a release in the town", released, townOfCounts, []string{`"kind":"release"`, `"count":null`}, nil},
		{"a release, to those who see no people", released, layers.Scope{Event: counted, Threshold: 10}, nil, nil},
		{"a layer", layers.Change{Kind: layers.KindLayer, Op: layers.OpPut, FeatureID: 1}, counts, []string{`"kind":"layer"`}, nil},
		{"the zero scope", gone, layers.Scope{}, nil, nil},
	} {
		list := render(layers.Batch{Changes: []layers.Change{c.change}}, world.Catalogue, world.Tree)
		got := string(list[0].data(c.scope))
		if c.want == nil && got != "" {
			t.Errorf("%s: told %s", c.name, got)
		}
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %s in %s", c.name, want, got)
			}
		}
		for _, never := range c.never {
			if strings.Contains(got, never) {
				t.Errorf("%s: tells %s: %s", c.name, never, got)
			}
		}
	}
}

// Whenever a client loses its connection while others write, with one or several changes a transaction, it is told
// every change after all, in the order of positions, and a change again only where its position was not complete.
func TestResumeLosesNothing(t *testing.T) {
	w := newTown(t, nil)
	server := serveTown(t, w)
	rapid.Check(t, func(rt *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		writers, each := 1+rng.IntN(3), 10
		first := listen(t, server, "")
		lastID := first.until(t, "position").id
		first.close()

		var mu sync.Mutex
		written := map[string]bool{}
		var wg sync.WaitGroup
		for n := range writers {
			seed := rng.Uint64()
			wg.Go(func() {
				mine := rand.New(rand.NewPCG(seed, 2))
				for i := range each {
					var changes []layers.Change
					for k := range 1 + mine.IntN(3) {
						id := int64(1000 + n*1000 + i*10 + k)
						changes = append(changes, layers.Change{Kind: layers.KindEvent, Op: layers.OpDelete, FeatureID: id, Old: at(5, 113.05, 1)})
					}
					p := put(t, w.ledger, changes...)
					mu.Lock()
					for _, c := range changes {
						written[fmt.Sprintf("%s/%d", p, c.FeatureID)] = true
					}
					mu.Unlock()
				}
			})
		}
		done := make(chan struct{})
		go func() { wg.Wait(); close(done) }()

		seen, told := map[string]bool{}, layers.Position(0)
		whole := func() bool { // all is written and told
			select {
			case <-done:
				return len(seen) >= len(written)
			default:
				return false
			}
		}
		for !whole() {
			l := listen(t, server, lastID)
			resumed := position(rt, lastID)
			told = resumed
			for left := 1 + rng.IntN(12); left > 0 && !whole(); left-- {
				e, ok := l.next()
				if !ok || e.name == "reset" {
					rt.Fatalf("a client that was a little behind got %q", e.name)
				}
				if e.name != "change" {
					continue
				}
				var c Change
				if err := json.Unmarshal([]byte(e.data), &c); err != nil {
					rt.Fatal(err)
				}
				p := position(rt, c.Position)
				if p < told {
					rt.Fatalf("position %d after %d", p, told)
				}
				told = p
				key := fmt.Sprintf("%s/%d", c.Position, *c.ID)
				if seen[key] && p <= resumed {
					rt.Fatalf("%s was told again after its position was complete", key)
				}
				seen[key] = true
			}
			lastID = l.lastID
			l.close()
			select {
			case <-done:
				if position(rt, lastID) >= maxPosition(rt, written) && !whole() {
					rt.Fatalf("at position %s only %d of %d changes were told", lastID, len(seen), len(written))
				}
			default:
			}
		}
		if len(seen) != len(written) {
			rt.Fatalf("%d changes told, %d written", len(seen), len(written))
		}
	})
}

func position(t *rapid.T, text string) layers.Position {
	p, err := layers.ParsePosition(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func maxPosition(t *rapid.T, keys map[string]bool) (p layers.Position) {
	for k := range keys {
		text, _, _ := strings.Cut(k, "/")
		p = max(p, position(t, text))
	}
	return p
}

// piped is an answer that blocks until somebody reads it.
type piped struct {
	*io.PipeWriter
	header http.Header
}

func (p *piped) Header() http.Header { return p.header }
func (p *piped) WriteHeader(int)     {}
func (p *piped) Flush()              {}

// reached waits until the hub has been told of a position.
func reached(t *testing.T, w *town, p layers.Position) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); w.hub.told() < p; <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("the hub has not been told of %d", p)
		}
	}
}

// A client that does not read while more happens than its queue holds is told everything from the ledger once it
// reads again; nobody waits for it meanwhile.
func TestSlowClient(t *testing.T) {
	w := newTown(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Handler().ServeHTTP(&piped{in, http.Header{}}, call(http.MethodGet, streamRoute, nil).WithContext(ctx))
	}()
	l := &listening{body: bufio.NewReaderSize(out, 16)}
	l.until(t, "position")
	var positions []layers.Position
	for range queued + 20 { // each a batch of its own
		p := put(t, w.ledger, layers.Change{Kind: layers.KindEvent, Op: layers.OpDelete, FeatureID: 5000, Old: at(5, 113.05, 1)})
		reached(t, w, p)
		positions = append(positions, p)
	}
	if w.hub.overflows.Load() == 0 {
		t.Fatal("the queue never overflowed")
	}
	for i, want := range positions {
		for {
			e, ok := l.next()
			if !ok || e.name == "reset" {
				t.Fatalf("change %d: got %q", i, e.name)
			}
			if e.name == "change" {
				if e.id != want.String() {
					t.Fatalf("change %d has position %s, want %s", i, e.id, want)
				}
				break
			}
			if position, err := layers.ParsePosition(e.id); err != nil || position >= want {
				t.Fatalf("position %s is told before change %d at %s", e.id, i, want)
			}
		}
	}
	cancel()
	out.Close()
	<-ended
}

func TestResets(t *testing.T) {
	w := newTown(t, nil)
	server := serveTown(t, w)
	old := w.hub.told()
	changes := make([]layers.Change, backlogMost/2)
	for i := range changes {
		changes[i] = layers.Change{Kind: layers.KindEvent, Op: layers.OpDelete, FeatureID: int64(10_000 + i), Old: at(5, 113.05, 1)}
	}
	var last layers.Position
	for range 3 {
		last = put(t, w.ledger, changes...)
	}
	reached(t, w, last)
	for name, from := range map[string]string{"too far behind": old.String(), "from another database": "99999999999999"} {
		l := listen(t, server, from)
		for {
			e, ok := l.next()
			if !ok {
				t.Fatalf("%s: the stream ended", name)
			}
			if e.name == "position" {
				t.Fatalf("%s: no reset", name)
			}
			if e.name == "reset" {
				if p, err := layers.ParsePosition(e.id); err != nil || p < last {
					t.Errorf("%s: reset to %s", name, e.id)
				}
				break
			}
		}
		l.until(t, "position")
		l.close()
	}
}

// Open streams do not hold up the end of the server.
func TestServeStops(t *testing.T) {
	w := newTown(t, nil)
	current := goleak.IgnoreCurrent()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Serve(ctx, listener) }()
	transport := &http.Transport{}
	client := &http.Client{Transport: transport}
	response, err := client.Get("http://" + listener.Addr().String() + streamRoute)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	l := &listening{body: bufio.NewReader(response.Body)}
	l.until(t, "position")
	began := time.Now()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("stopping took %v", took)
	}
	if _, ok := l.next(); ok {
		t.Error("the stream goes on")
	}
	if n := w.hub.clients(); n != 0 {
		t.Errorf("%d streams are counted", n)
	}
	if rec := w.get(streamRoute); rec.Code != 503 {
		t.Errorf("a stream after the end: %d", rec.Code)
	}
	response.Body.Close()
	transport.CloseIdleConnections()
	goleak.VerifyNone(t, current)
}
