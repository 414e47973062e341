package api

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"onepicture/layers"
)

func publishOne(h *hub, p layers.Position) {
	h.publish(layers.Batch{Through: p}, []message{{position: p}})
}

// With many streams open changes go out together, and nothing says before that they were told.
func TestDeliveriesGoTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		h.open.Store(2000)
		l, _, _ := h.listen(0)
		for p := range layers.Position(40) {
			publishOne(h, p+1)
		}
		if first := <-l.queue; first.through != 1 || h.now().through != 1 || len(l.queue) != 0 {
			t.Errorf("%d at once, %d is told, %d more", first.through, h.now().through, len(l.queue))
		}
		if _, ok := h.idle(l); !ok {
			t.Error("a listener that took everything is not up to date")
		}
		began := time.Now()
		rest := <-l.queue
		if took := time.Since(began); took != 2000*perStream || len(rest.messages) != 39 || rest.through != 40 || h.now().through != 40 {
			t.Errorf("%d messages through %d after %v", len(rest.messages), rest.through, took)
		}
		h.open.Store(maxStreams)
		publishOne(h, 41)
		began = time.Now()
		if <-l.queue; time.Since(began) != mostBetween {
			t.Errorf("with very many streams a change waits %v", time.Since(began))
		}
		time.Sleep(mostBetween) // of the bubble's clock
		h.open.Store(0)
		publishOne(h, 42)
		if len(l.queue) != 1 {
			t.Error("a single stream waits")
		}
	})
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
	last := h.now().through
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
		l, d, known := h.listen(c.after)
		h.leave(l)
		if known != c.known || len(d.messages) != c.n || d.through != last {
			t.Errorf("%s: known %t, %d messages through %d", c.name, known, len(d.messages), d.through)
		}
		for i := range d.messages {
			if d.messages[i].position <= c.after {
				t.Errorf("%s: position %d again", c.name, d.messages[i].position)
			}
		}
	}
	fresh := newHub()
	fresh.publish(layers.Batch{Through: 50}, []message{{position: 50}})
	if _, _, known := fresh.listen(49); known {
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
