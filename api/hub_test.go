package api

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onepicture/layers"
)

func publishOne(h *hub, p layers.Position) {
	h.publish(layers.Batch{Through: p}, []message{{position: p}})
}

// With many streams open changes go out together, to one group of them after the other, and nothing says before that they
// were told.
func TestDeliveriesGoTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		publishOne(h, 1)
		h.open.Store(2000)
		var all [groups]*listener
		for i := range all {
			var m missed
			if all[i], m = h.listen(0); m.last.through != 1 {
				t.Errorf("a stream that comes was told through %d", m.last.through)
			}
		}
		time.Sleep(mostBetween) // of the bubble's clock
		for p := range layers.Position(40) {
			publishOne(h, p+2)
		}
		if first := <-all[0].queue; first.through != 2 || h.told() != 1 || len(all[0].queue) != 0 || len(all[1].queue) != 0 {
			t.Errorf("%d at once, %d is told, %d and %d more", first.through, h.told(), len(all[0].queue), len(all[1].queue))
		}
		began := time.Now()
		for i := range groups {
			l, n := all[(i+1)%groups], 40
			if l == all[0] {
				n = 39
			}
			d := <-l.queue
			if took, want := time.Since(began), 2000*perStream/groups*time.Duration(i+1); took != want || len(d.messages) != n || d.through != 41 {
				t.Errorf("group %d: %d messages through %d after %v, not %v", i+1, len(d.messages), d.through, took, want)
			}
		}
		if h.told() != 41 {
			t.Errorf("%d is told", h.told())
		}
		h.open.Store(maxStreams)
		publishOne(h, 42)
		began = time.Now()
		for i := range groups {
			<-all[(i+1)%groups].queue
		}
		if took := time.Since(began); took != mostBetween/groups*groups {
			t.Errorf("with very many streams a change waits %v", took)
		}
		time.Sleep(mostBetween)
		h.open.Store(1)
		publishOne(h, 43)
		synctest.Wait()
		time.Sleep(perStream)
		for i, l := range all {
			if len(l.queue) != 1 {
				t.Errorf("a single stream in group %d waits", i)
			}
		}
	})
}

// A stream to which nothing happens is told how far the picture is, as far as it was told; one that lost something in an
// overflow is told nothing any more: it reads the ledger again.
func TestHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		publishOne(h, 1)
		h.open.Store(maxStreams)
		still, _ := h.listen(1)
		slow, _ := h.listen(1)
		began := time.Now()
		for range 3 {
			if d := <-still.queue; len(d.messages) != 0 || d.through != 1 {
				t.Errorf("a heartbeat with %d messages, through %d", len(d.messages), d.through)
			}
		}
		if took := time.Since(began); took != 3*heartbeat {
			t.Errorf("three heartbeats in %v", took)
		}
		time.Sleep(heartbeat / 2)
		publishOne(h, 2)
		if d := <-still.queue; d.through != 2 || time.Since(began) >= 4*heartbeat {
			t.Errorf("told through %d after %v", d.through, time.Since(began))
		}
		talked := time.Now()
		if d := <-still.queue; len(d.messages) != 0 || d.through != 2 || time.Since(talked) != heartbeat {
			t.Errorf("the next heartbeat came %v after the change, through %d", time.Since(talked), d.through)
		}
		for p := layers.Position(3); h.overflows.Load() == 0; p++ {
			publishOne(h, p)
			time.Sleep(mostBetween)
			for len(still.queue) > 0 {
				<-still.queue
			}
		}
		time.Sleep(3 * heartbeat)
		n := 0
		for range slow.queue { // it ends: the queue is closed
			n++
		}
		if n != queued {
			t.Errorf("%d deliveries in a queue of %d", n, queued)
		}
		h.close()
		for range still.queue {
		}
		late, _ := h.listen(2)
		if _, ok := <-late.queue; ok || !h.stopped() {
			t.Error("a hub that is closed tells something")
		}
	})
}

// However changes and streams come and go, a stream is told each change after the position that it has exactly once and in
// order: what listen gives at first, and what comes then.
func TestGroupsLoseNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		open := rapid.Int64Range(0, maxStreams).Draw(rt, "open")
		actions := rapid.SliceOfN(rapid.IntRange(0, 9), 1, 100).Draw(rt, "actions")
		wrong := ""
		synctest.Test(t, func(*testing.T) { wrong = comeAndGo(open, actions) })
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

// comeAndGo does the actions with one hub, and gives what went wrong.
func comeAndGo(open int64, actions []int) (wrong string) {
	h := newHub()
	h.open.Store(open)
	last := layers.Position(1)
	publishOne(h, last)
	type client struct {
		*listener
		came, through layers.Position // with a position; told through one
	}
	var clients []*client
	hear := func(c *client, d delivery) {
		for i := range d.messages {
			p := d.messages[i].position
			if p <= c.came { // of a server that was ahead of this group; a stream leaves it out
				continue
			}
			if p != c.through+1 && wrong == "" {
				wrong = fmt.Sprintf("position %d after %d", p, c.through)
			}
			c.through = p
		}
		if d.through < c.through && c.through > c.came && wrong == "" {
			wrong = fmt.Sprintf("told through %d after %d", d.through, c.through)
		}
	}
	for n, action := range actions {
		switch {
		case action < 2: // one comes, with a position that it was told by this server or another one
			c := &client{through: last - layers.Position(n*n*n)%(last-h.since+1)}
			l, m := h.listen(c.through)
			if !m.known {
				return fmt.Sprintf("%d is not known at %d", c.through, last)
			}
			c.listener, c.came = l, c.through
			hear(c, delivery{messages: m.rest, through: m.last.through})
			for _, d := range m.whole {
				hear(c, d)
			}
			clients = append(clients, c)
		case action == 2 && len(clients) > 0:
			h.leave(clients[n%len(clients)].listener)
			clients = slices.Delete(clients, n%len(clients), n%len(clients)+1)
		case action < 5:
			time.Sleep(mostBetween / 10) // of the bubble's clock
		case action < 9:
			last++
			publishOne(h, last)
		default: // a flood
			var list []message
			for range backlogMost / 2 {
				last++
				list = append(list, message{position: last})
			}
			h.publish(layers.Batch{Through: last}, list)
		}
		synctest.Wait()
		for _, c := range clients {
			for len(c.queue) > 0 {
				hear(c, <-c.queue)
			}
		}
	}
	time.Sleep(mostBetween)
	synctest.Wait()
	for _, c := range clients {
		for len(c.queue) > 0 {
			hear(c, <-c.queue)
		}
		if c.through != last && wrong == "" {
			wrong = fmt.Sprintf("told through %d of %d", c.through, last)
		}
	}
	return wrong
}

// What a stream missed is in memory as far as it goes, to the position; what is not is the ledger's.
func TestWhatTheHubRemembers(t *testing.T) {
	h := newHub()
	for n := range backlogMost + 11 {
		p := layers.Position(100 + 2*(n/2)) // two a position, one batch each two
		if n%2 == 0 {
			h.publish(layers.Batch{Through: p}, []message{{position: p}, {position: p}})
		}
	}
	last := h.told()
	for _, c := range []struct {
		name  string
		after layers.Position
		known bool
		n     int
	}{
		{"all told", last, true, 0},
		{"one position", last - 2, true, 2},
		{"between positions", last - 3, true, 4},
		{"as much as there is", last - backlogMost, true, backlogMost},
		{"more than there is", last - backlogMost - 1, false, 0},
		{"before the server", 3, false, 0},
		{"ahead of the server", last + 1, false, 0},
	} {
		l, m := h.listen(c.after)
		h.leave(l)
		list := slices.Clone(m.rest)
		for _, d := range m.whole {
			list = append(list, d.messages...)
		}
		if m.known != c.known || len(list) != c.n || m.last.through != last || len(m.whole) > kept || len(m.whole) != min(c.n/2, kept) {
			t.Errorf("%s: known %t, %d messages, of them %d deliveries, through %d", c.name, m.known, len(list), len(m.whole), m.last.through)
		}
		for i := range list {
			if list[i].position <= c.after {
				t.Errorf("%s: position %d again", c.name, list[i].position)
			}
		}
	}
	fresh := newHub()
	fresh.publish(layers.Batch{Through: 50}, []message{{position: 50}})
	if _, m := fresh.listen(49); m.known {
		t.Error("a server that has just loaded says that it knows what was before")
	}
}

// What is made once for many is to the letter what each is told alone, and nobody's is given to another.
func TestSharedTellings(t *testing.T) {
	w := newTown(t, nil)
	world := w.Store.World()
	batch := layers.Batch{Through: 9, At: time.Date(2026, 11, 26, 1, 2, 3, 4000, time.UTC), Changes: []layers.Change{
		{Position: 5, Kind: layers.KindEvent, Op: layers.OpPut, FeatureID: 7, Old: at(3, 113.15, 1), New: at(5, 113.05, 3), Record: &layers.Record{Class: 1}},
		{Position: 5, Kind: layers.KindPerson, Op: layers.OpPut, FeatureID: 9, New: at(5, 113.05, 1), Record: &layers.Record{}},
		{Position: 6, Kind: layers.KindInstruction, Op: layers.OpPut, FeatureID: 2, New: at(5, 113.05, 0), Fields: []string{layers.ToActor + "u3"}},
		{Position: 8, Kind: layers.KindEvent, Op: layers.OpDelete, FeatureID: 8, Old: at(3, 113.15, 1)},
	}}
	d := delivery{messages: render(batch, world.Catalogue, world.Tree), through: 9, at: batch.At, shared: &tellings{}}
	var b layers.Reach
	b.Places.Add(3)
	inB := layers.Sight{Counts: b, Records: b}
	all := layers.Sight{Counts: layers.Everywhere(), Records: layers.Everywhere()}
	counts := layers.Sight{Counts: layers.Everywhere()}
	told := map[string][]byte{}
	for name, scope := range map[string]layers.Scope{
		"all":                    {Actor: "u1", Person: all, Site: all, Event: all},
		"all, the instructed":    {Actor: "u3", Person: all, Site: all, Event: all},
		"all, a handler":         {Actor: "u1", Person: all, Site: all, Event: all, Rights: layers.RightHandle},
		"one town":               {Actor: "u1", Person: inB, Event: inB},
		"counts":                 {Actor: "u1", Person: counts, Event: counts},
		"counts, rounded":        {Actor: "u1", Person: counts, Event: counts, Threshold: 10},
		"nothing":                {Actor: "u1"},
		"nothing, an instructed": {Actor: "u3"},
	} {
		alone := appendPosition(appendChanges(nil, d.messages, 0, scope), d.through, d.at)
		for range 2 {
			if diff := cmp.Diff(string(alone), string(d.told(scope, false))); diff != "" {
				t.Errorf("%s (- alone, + shared):\n%s", name, diff)
			}
			if diff := cmp.Diff(string(alone), unpack(t, d.told(scope, true))); diff != "" {
				t.Errorf("%s (- alone, + packed):\n%s", name, diff)
			}
		}
		told[name] = alone
	}
	for _, c := range []struct{ more, less string }{
		{"all, the instructed", "all"},
		{"all, a handler", "all"},
		{"all", "one town"},
		{"one town", "nothing"},
		{"nothing, an instructed", "nothing"},
	} {
		if len(told[c.more]) <= len(told[c.less]) {
			t.Errorf("%s is told no more than %s: the scene shows too little", c.more, c.less)
		}
	}
	if n := bytes.Count(told["all, a handler"], []byte("event: change\n")); n != 4 {
		t.Errorf("a handler is told %d changes", n)
	}
}
