package api

import (
	"strconv"
	"sync"
	"time"

	"onepicture/layers"
)

// tellings are a delivery as it is written, by who is told: thousands of streams see the same, and each telling is made
// once.
type tellings struct {
	mu sync.Mutex
	by map[audience][]byte
}

// audience is what of a scope decides what it is told (message.data), and in which form.
type audience struct {
	class  string
	handle bool
	actor  string // only where something is told to persons by name
	packed bool   // how it is written, not what
}

// told is everything that a scope is told of a delivery, its position at the end.
func (d *delivery) told(scope layers.Scope, packed bool) []byte {
	who := audience{class: scope.Class(), handle: scope.Rights.Has(layers.RightHandle), packed: packed}
	for i := range d.messages {
		if d.messages[i].to != nil {
			who.actor = scope.Actor
			break
		}
	}
	t := d.shared
	t.mu.Lock()
	defer t.mu.Unlock()
	b, ok := t.by[who]
	if !ok {
		if b = appendPosition(appendChanges(nil, d.messages, 0, scope), d.through, d.at); packed {
			b = pack(b)
		}
		if t.by == nil {
			t.by = map[audience][]byte{}
		}
		t.by[who] = b
	}
	return b
}

// appendChanges writes what a scope is told of messages that are whole positions, of those after one. An id is sent with
// the last change of a position only.
func appendChanges(b []byte, list []message, after layers.Position, scope layers.Scope) []byte {
	var before *message // told last, without its id yet
	var data []byte
	end := func(next layers.Position) {
		if before == nil {
			return
		}
		if before.position != next {
			b = append(strconv.AppendUint(append(b, "id: "...), uint64(before.position), 10), '\n')
		}
		b = append(append(append(b, "event: change\ndata: "...), data...), "\n\n"...)
	}
	for i := range list {
		m := &list[i]
		if m.position <= after {
			continue
		}
		if told := m.data(scope); told != nil {
			end(m.position)
			before, data = m, told
		}
	}
	end(0)
	return b
}

// appendPosition writes that everything through a position has been told.
func appendPosition(b []byte, p layers.Position, at time.Time) []byte {
	n := strconv.FormatUint(uint64(p), 10)
	b = append(b, "id: "+n+"\nevent: position\ndata: {\"position\":\""+n+"\",\"asOf\":\""...)
	return append(utc(at).AppendFormat(b, time.RFC3339Nano), "\"}\n\n"...)
}
