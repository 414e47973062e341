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
)

// stream is one open event stream of a server. Most only count what they are told; a probe also notes when.
type stream struct {
	server  int
	probe   bool
	conn    net.Conn
	body    io.ReadCloser
	changes atomic.Int64
	bytes   atomic.Int64
	resets  atomic.Int64
	seen    []sighting // of a probe; to be read when it has ended
}

// sighting is when a stream told of an event.
type sighting struct {
	id       int64
	at, seen time.Time // committed, as the ledger says; told
}

// openStream connects and waits until the server has answered.
func openStream(ctx context.Context, server int, address, cookie string, probe bool) (*stream, error) {
	s := &stream{server: server, probe: probe}
	var err error
	if s.conn, err = (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", address); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if err := s.begin(address, cookie); err != nil {
		return nil, errors.Join(err, s.conn.Close())
	}
	return s, nil
}

func (s *stream) begin(address, cookie string) error {
	if err := s.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	text := "GET /api/stream HTTP/1.1\r\nHost: " + address + "\r\nAccept: text/event-stream\r\n"
	if cookie != "" {
		text += "Cookie: " + cookie + "\r\n"
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
	if s.probe {
		return s.note()
	}
	return s.count()
}

var (
	changeMark = []byte("event: change\n")
	resetMark  = []byte("event: reset\n")
)

// count looks for marks only: thousands of streams must not cost more than the server that feeds them.
func (s *stream) count() error {
	buf := make([]byte, 8<<10)
	kept := 0 // of the end of what was read before: a mark may be cut
	for {
		n, err := s.body.Read(buf[kept:])
		s.bytes.Add(int64(n))
		all := buf[:kept+n]
		if c := bytes.Count(all, changeMark); c > 0 {
			s.changes.Add(int64(c))
		}
		s.resets.Add(int64(bytes.Count(all, resetMark)))
		if err != nil {
			return err
		}
		kept = copy(buf, all[unfinished(all):])
	}
}

// unfinished is where the last line begins, when it may become a mark.
func unfinished(b []byte) int {
	i := bytes.LastIndexByte(b, '\n') + 1
	if len(b)-i >= len(changeMark) {
		return len(b)
	}
	return i
}

// note also reads the changes.
func (s *stream) note() error {
	lines := bufio.NewReaderSize(s.body, 16<<10)
	change := false
	for {
		line, err := lines.ReadSlice('\n')
		s.bytes.Add(int64(len(line)))
		if err != nil {
			return err
		}
		switch {
		case bytes.Equal(line, changeMark):
			change = true
			s.changes.Add(1)
		case bytes.Equal(line, resetMark):
			s.resets.Add(1)
		case change && bytes.HasPrefix(line, []byte("data: ")):
			now := time.Now()
			var c struct {
				ID *int64    `json:"id"`
				At time.Time `json:"at"`
			}
			if err := json.Unmarshal(line[len("data: "):], &c); err != nil {
				return fmt.Errorf("read a change: %w", err)
			}
			if c.ID != nil {
				s.seen = append(s.seen, sighting{*c.ID, c.At, now})
			}
			change = false
		}
	}
}

func (s *stream) close() { _ = s.conn.Close() } // nothing was promised on it
