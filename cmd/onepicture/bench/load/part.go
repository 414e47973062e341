package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"sync"
	"time"

	"github.com/klauspost/compress/flate"

	"onepicture/layers"
)

// part is what one packed part of a stream tells.
type part struct {
	events []sighting // of events after base, in order; not seen yet
	told   digest     // of these
	resets int64
	last   layers.Position // the last id; 0: none
}

// parts reads each packed part once: a server packs what thousands of streams are told once, and to unpack it for each of
// them would cost more than the server that feeds them. Two parts are one when all their bytes are, save by a chance of 2^-64.
type parts struct {
	base int64 // events up to this one were there before
	seed maphash.Seed

	mu    sync.RWMutex
	known map[uint64]*part
}

func newParts(base int64) *parts {
	return &parts{base: base, seed: maphash.MakeSeed(), known: map[uint64]*part{}}
}

// whole is how a part that can be unpacked by itself ends: with an empty stored block (RFC 1951, 3.2.4).
var whole = []byte{0, 0, 0xff, 0xff}

// next finds the first part in b, and how many bytes it takes; 0: it is not complete yet.
func (p *parts) next(b []byte) (*part, int, error) {
	for from := 0; ; {
		i := bytes.Index(b[from:], whole)
		if i < 0 {
			return nil, 0, nil
		}
		from += i + len(whole)
		one, err := p.of(b[:from])
		if err != nil || one != nil {
			return one, from, err
		}
	}
}

// of is the part of these bytes; nil when they end within a message: what looked like the end of a part was none.
func (p *parts) of(packed []byte) (*part, error) {
	sum := maphash.Bytes(p.seed, packed)
	p.mu.RLock()
	one := p.known[sum]
	p.mu.RUnlock()
	if one != nil {
		return one, nil
	}
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if !errors.Is(err, io.ErrUnexpectedEOF) { // a stream has no last block
		return nil, fmt.Errorf("unpack a part of the stream: %w", err)
	}
	if !bytes.HasSuffix(text, []byte("\n\n")) {
		return nil, nil
	}
	if one, err = p.read(text); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known[sum] = one
	return one, nil
}

// read counts the messages of a text, as an EventSource would.
func (p *parts) read(text []byte) (*part, error) {
	one := &part{}
	var now message
	for line := range bytes.Lines(text) {
		line = line[:len(line)-1]
		if len(line) > 0 {
			if err := now.read(line); err != nil {
				return nil, err
			}
			continue
		}
		switch {
		case now.reset:
			one.resets++
		case now.event > p.base:
			one.events = append(one.events, sighting{id: now.event, at: now.at})
			one.told.add(now.event)
		}
		one.last = max(one.last, now.id)
		now = message{}
	}
	return one, nil
}

// message is what was read of one.
type message struct {
	change, reset bool
	id            layers.Position
	event         int64 // 0: none
	at            time.Time
}

// read takes a line.
func (m *message) read(line []byte) error {
	name, value, _ := bytes.Cut(line, []byte(": "))
	switch string(name) {
	case "event":
		m.change, m.reset = string(value) == "change", string(value) == "reset"
	case "id":
		var err error
		if m.id, err = layers.ParsePosition(string(value)); err != nil {
			return fmt.Errorf("read an id of the stream: %w", err)
		}
	case "data":
		if !m.change {
			return nil
		}
		var c struct {
			Kind layers.Kind
			ID   *int64
			At   time.Time
		}
		if err := json.Unmarshal(value, &c); err != nil {
			return fmt.Errorf("read a change: %w", err)
		}
		if c.Kind == layers.KindEvent && c.ID != nil {
			m.event, m.at = *c.ID, c.At
		}
	}
	return nil
}
