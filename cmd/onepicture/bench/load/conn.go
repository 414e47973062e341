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
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/gzip"
)

// patience is how long a client waits for one answer.
const patience = 30 * time.Second

// request is what a client sends.
type request struct {
	method, path string
	etag         string // If-None-Match
	key          string // Idempotency-Key
	position     string // X-Min-Position
	body         []byte
}

// answer is what came back. Its body is kept only when it is JSON or plain text, unpacked.
type answer struct {
	status         int
	etag, position string
	size           int // of the body on the wire
	body           []byte
	closing        bool // the server closes the connection
}

// conn is one connection that is kept alive, made when it is needed. It is not for concurrent use. It costs the
// generator less than net/http's client, whose machine it shares with the server.
type conn struct {
	address, cookie string
	raw             net.Conn
	r               *bufio.Reader
	out             bytes.Buffer
}

func newConn(address, cookie string) *conn { return &conn{address: address, cookie: cookie} }

func (c *conn) close() {
	if c.raw != nil {
		_ = c.raw.Close() // nothing was promised on it
		c.raw = nil
	}
}

// do asks once. After an error the next call connects again.
func (c *conn) do(ctx context.Context, q request) (a answer, err error) {
	defer func() {
		if err != nil || a.closing {
			c.close()
		}
	}()
	if c.raw == nil {
		if c.raw, err = (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", c.address); err != nil {
			return a, fmt.Errorf("connect: %w", err)
		}
		c.r = bufio.NewReaderSize(c.raw, 8<<10)
	}
	if err := c.raw.SetDeadline(time.Now().Add(patience)); err != nil {
		return a, fmt.Errorf("set deadline: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.raw.SetDeadline(time.Now()) })
	defer stop()
	if _, err := c.raw.Write(c.encode(q)); err != nil {
		return a, fmt.Errorf("send: %w", err)
	}
	return c.read(q)
}

func (c *conn) encode(q request) []byte {
	b := &c.out
	b.Reset()
	line := func(parts ...string) {
		for _, p := range parts {
			b.WriteString(p)
		}
		b.WriteString("\r\n")
	}
	line(q.method, " ", q.path, " HTTP/1.1")
	line("Host: ", c.address)
	line("Accept-Encoding: gzip")
	for _, h := range [...][2]string{
		{"Cookie", c.cookie}, {"If-None-Match", q.etag}, {"Idempotency-Key", q.key}, {"X-Min-Position", q.position},
	} {
		if h[1] != "" {
			line(h[0], ": ", h[1])
		}
	}
	if q.body != nil {
		line("Content-Type: application/json")
		line("Content-Length: ", strconv.Itoa(len(q.body)))
	}
	line()
	b.Write(q.body)
	return b.Bytes()
}

func (c *conn) read(q request) (a answer, err error) {
	r, err := http.ReadResponse(c.r, &http.Request{Method: q.method})
	if err != nil {
		return a, fmt.Errorf("read answer: %w", err)
	}
	defer r.Body.Close()
	a = answer{status: r.StatusCode, etag: r.Header.Get("ETag"), position: r.Header.Get("X-Position"), closing: r.Close}
	kind := r.Header.Get("Content-Type")
	if !strings.HasSuffix(kind, "json") && !strings.HasPrefix(kind, "text/plain") {
		n, err := io.Copy(io.Discard, r.Body)
		a.size = int(n)
		return a, readError(err)
	}
	packed, err := io.ReadAll(r.Body)
	if err != nil {
		return a, readError(err)
	}
	a.size, a.body = len(packed), packed
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return a, readError(err)
		}
		if a.body, err = io.ReadAll(z); err != nil {
			return a, readError(err)
		}
	}
	return a, nil
}

func readError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("read body: %w", err)
}

// word names what a connection said, in few words.
func word(err error) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer in " + patience.String()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed"
	}
	return "not understood"
}

// problemCode is the code of a problem document, a word of a small set.
func problemCode(body []byte) string {
	var p struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(body, &p) != nil {
		return ""
	}
	return p.Code
}
