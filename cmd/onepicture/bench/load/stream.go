package load

import (
	"bufio"
	"context"
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
	parts   *parts // of all streams
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
}

// sighting is when a stream told of an event.
type sighting struct {
	id       int64
	at, seen time.Time // committed, as the ledger says; told
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
	text := "GET /api/stream HTTP/1.1\r\nHost: " + address + "\r\nAccept: text/event-stream\r\nAccept-Encoding: gzip\r\n"
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
	if packed := r.Header.Get("Content-Encoding"); r.StatusCode != http.StatusOK || packed != "gzip" {
		return fmt.Errorf("the stream is refused: %d, encoding %q", r.StatusCode, packed)
	}
	s.body = r.Body
	if _, err := io.ReadFull(s.body, make([]byte, gzipHead)); err != nil {
		return fmt.Errorf("read the stream's head: %w", err)
	}
	return s.conn.SetDeadline(time.Time{})
}

// gzipHead is how many bytes are before the first part of a gzip stream without a name.
const gzipHead = 10

// maxPart bounds a part as it is packed.
const maxPart = 1 << 20

// read goes on until the stream ends or is closed.
func (s *stream) read() error {
	defer s.body.Close()
	buf := make([]byte, 16<<10)
	kept := 0 // of a part that is not complete
	for {
		n, err := s.body.Read(buf[kept:])
		s.bytes.Add(int64(n))
		now, rest := time.Now(), buf[:kept+n]
		for {
			one, size, err := s.parts.next(rest)
			if err != nil {
				return err
			}
			if one == nil {
				break
			}
			s.take(one, now)
			rest = rest[size:]
		}
		switch {
		case err != nil:
			return err
		case len(rest) == maxPart:
			return errors.New("a part of the stream is too long")
		case len(rest) == len(buf):
			buf = append(buf, make([]byte, len(buf))...)
			kept = len(rest)
		default:
			kept = copy(buf, rest)
		}
	}
}

// take counts what a part tells.
func (s *stream) take(p *part, now time.Time) {
	s.told.join(p.told)
	s.changes.Add(int64(len(p.events)))
	s.resets.Add(p.resets)
	if s.probe {
		for _, e := range p.events {
			e.seen = now
			s.seen = append(s.seen, e)
		}
	}
	s.last = max(s.last, p.last)
	if s.goal != 0 && s.last >= s.goal {
		s.goal = 0
		s.reached <- now
	}
}

func (s *stream) close() { _ = s.conn.Close() } // nothing was promised on it
