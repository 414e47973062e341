package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"onepicture/layers"
)

// stream is one open event stream of a server. Each keeps which events it was told of; a probe also notes when.
type stream struct {
	server  int
	probe   bool
	base    int64 // events up to this one were there before
	conn    net.Conn
	body    io.ReadCloser
	changes atomic.Int64 // of events after base
	bytes   atomic.Int64
	resets  atomic.Int64
	ended   chan struct{} // when its reader has ended; what follows is the reader's until then

	told    digest          // of events after base
	seen    []sighting      // of a probe
	last    layers.Position // through which it has been told everything
	goal    layers.Position // reached is told once when last gets there; 0: nobody waits
	reached chan time.Time
	now     message
}

// sighting is when a stream told of an event.
type sighting struct {
	id       int64
	at, seen time.Time // committed, as the ledger says; told
}

// message is what was read of one that is not complete yet.
type message struct {
	change bool
	id     layers.Position
	event  int64 // 0: none
	at     time.Time
}

// connect opens the stream and waits until the server has answered. One that was open before resumes where it was.
func (s *stream) connect(ctx context.Context, address, cookie string) error {
	var err error
	if s.conn, err = (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", address); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if err := s.begin(address, cookie); err != nil {
		return errors.Join(err, s.conn.Close())
	}
	return nil
}

func (s *stream) begin(address, cookie string) error {
	if err := s.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	text := "GET /api/stream HTTP/1.1\r\nHost: " + address + "\r\nAccept: text/event-stream\r\n"
	if cookie != "" {
		text += "Cookie: " + cookie + "\r\n"
	}
	if s.last != 0 {
		text += "Last-Event-ID: " + s.last.String() + "\r\n"
	}
	if _, err := io.WriteString(s.conn, text+"\r\n"); err != nil {
		return fmt.Errorf("ask for the stream: %w", err)
	}
	r, err := http.ReadResponse(bufio.NewReaderSize(s.conn, 4<<10), nil)
	if err != nil {
		return fmt.Errorf("read the stream's head: %w", err)
	}
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("the stream is refused: %d", r.StatusCode)
	}
	s.body = r.Body
	return s.conn.SetDeadline(time.Time{})
}

// read goes on until the stream ends or is closed.
func (s *stream) read() error {
	defer s.body.Close()
	s.now = message{}
	buf := make([]byte, 32<<10)
	kept := 0 // of a line that is not complete
	for {
		n, err := s.body.Read(buf[kept:])
		s.bytes.Add(int64(n))
		now, rest := time.Now(), buf[:kept+n]
		for i := bytes.IndexByte(rest, '\n'); i >= 0; i = bytes.IndexByte(rest, '\n') {
			if err := s.line(rest[:i], now); err != nil {
				return err
			}
			rest = rest[i+1:]
		}
		switch {
		case err != nil:
			return err
		case len(rest) == len(buf):
			return errors.New("a line of the stream is too long")
		}
		kept = copy(buf, rest)
	}
}

var (
	dataMark  = []byte("data: ")
	eventMark = []byte("event: ")
	idMark    = []byte("id: ")
	change    = []byte("change")
	reset     = []byte("reset")
)

// line takes a message apart by its marks: thousands of streams must not cost more than the server that feeds them.
func (s *stream) line(line []byte, now time.Time) (err error) {
	switch {
	case len(line) == 0:
		s.dispatch(now)
	case s.now.change && bytes.HasPrefix(line, dataMark):
		s.now.event = eventOf(line)
		if s.probe {
			var c struct{ At time.Time }
			if err := json.Unmarshal(line[len(dataMark):], &c); err != nil {
				return fmt.Errorf("read a change: %w", err)
			}
			s.now.at = c.At
		}
	case bytes.HasPrefix(line, eventMark):
		name := line[len(eventMark):]
		if s.now.change = bytes.Equal(name, change); bytes.Equal(name, reset) {
			s.resets.Add(1)
		}
	case bytes.HasPrefix(line, idMark):
		s.now.id = layers.Position(number(line[len(idMark):]))
	}
	return nil
}

// dispatch counts a message when it is complete, as an EventSource would.
func (s *stream) dispatch(now time.Time) {
	m := s.now
	s.now = message{}
	if m.event > s.base {
		s.told.add(m.event)
		s.changes.Add(1)
		if s.probe {
			s.seen = append(s.seen, sighting{m.event, m.at, now})
		}
	}
	s.last = max(s.last, m.id)
	if s.goal != 0 && s.last >= s.goal {
		s.goal = 0
		s.reached <- now
	}
}

var (
	kindMark    = []byte(`"kind":"event"`)
	featureMark = []byte(`"id":`)
)

// eventOf is the event that a change is of; 0 for another kind and for none.
func eventOf(line []byte) int64 {
	i := bytes.Index(line, kindMark)
	if i < 0 {
		return 0
	}
	line = line[i+len(kindMark):]
	if i = bytes.Index(line, featureMark); i < 0 {
		return 0
	}
	return number(line[i+len(featureMark):])
}

// number is what the digits at the beginning say; 0 for none.
func number(b []byte) (n int64) {
	for _, c := range b {
		if c < '0' || c > '9' {
			break
		}
		n = 10*n + int64(c-'0')
	}
	return n
}

func (s *stream) close() { _ = s.conn.Close() } // nothing was promised on it
