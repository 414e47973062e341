package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// The load of the HTTP rows: so many connections kept alive, in rounds that alternate between the two servers.
const (
	connections = 8
	rounds      = 9
	window      = time.Second
)

// serve starts a server on loopback, with the time-outs that the whole server has.
func serve(h http.Handler) (address string, stop func() error, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("listen: %w", err)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	return l.Addr().String(), func() error {
		err := s.Close()
		if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
		return err
	}, nil
}

// bare is Gin with nothing but one answer from memory.
func bare(status int, kind string, body []byte) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.GET("/*any", func(c *gin.Context) {
		if status == http.StatusNotModified {
			c.Status(status)
			c.Writer.WriteHeaderNow()
			return
		}
		c.Header("Content-Encoding", "gzip")
		c.Data(status, kind, body)
	})
	return e.Handler()
}

// answer is what the client keeps of a response.
type answer struct {
	status, length int
}

// client asks one thing again and again over one connection. It reads as little as it can, so that what is measured is
// the server.
type client struct {
	conn    net.Conn
	r       *bufio.Reader
	request []byte
}

func dial(address, path, cookie, etag string) (*client, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	text := "GET " + path + " HTTP/1.1\r\nHost: " + address + "\r\nAccept-Encoding: gzip\r\nCookie: " + cookie + "\r\n"
	if etag != "" {
		text += "If-None-Match: " + etag + "\r\n"
	}
	return &client{conn, bufio.NewReaderSize(conn, 64<<10), []byte(text + "\r\n")}, nil
}

func (c *client) ask() (a answer, err error) {
	if _, err = c.conn.Write(c.request); err != nil {
		return a, fmt.Errorf("ask: %w", err)
	}
	line, err := c.r.ReadSlice('\n')
	if err != nil || len(line) < 12 {
		return a, fmt.Errorf("read status: %w", errors.Join(err, errors.New("short answer")))
	}
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return a, fmt.Errorf("read status: %w", err)
	}
	for {
		line, err = c.r.ReadSlice('\n')
		if err != nil {
			return a, fmt.Errorf("read header: %w", err)
		}
		if len(line) <= 2 {
			break
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && strings.EqualFold(string(name), "content-length") {
			if a.length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return a, fmt.Errorf("read length: %w", err)
			}
		}
	}
	if _, err = c.r.Discard(a.length); err != nil {
		return a, fmt.Errorf("read body: %w", err)
	}
	return a, nil
}

// load asks over all connections for a while: the rate per second, and each answer's time.
func load(address, path, cookie, etag string, want answer, span time.Duration) (rate float64, took []time.Duration, err error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	began := time.Now()
	for range connections {
		all.Go(func() {
			mine, e := loadOne(address, path, cookie, etag, want, began.Add(span))
			mu.Lock()
			took, err = append(took, mine...), errors.Join(err, e)
			mu.Unlock()
		})
	}
	all.Wait()
	return float64(len(took)) / time.Since(began).Seconds(), took, err
}

func loadOne(address, path, cookie, etag string, want answer, until time.Time) (took []time.Duration, err error) {
	c, err := dial(address, path, cookie, etag)
	if err != nil {
		return nil, err
	}
	defer c.conn.Close()
	for start := time.Now(); start.Before(until); {
		got, err := c.ask()
		if err != nil {
			return nil, err
		}
		if got != want {
			return nil, fmt.Errorf("%s: answered %d with %d bytes, not %d with %d", path, got.status, got.length, want.status, want.length)
		}
		now := time.Now()
		took = append(took, now.Sub(start))
		start = now
	}
	return took, nil
}

// duel is our handler against another that answers the same: median rates of alternating rounds.
func duel(ctx context.Context, ours, other http.Handler, path, cookie, etag string, want answer, span time.Duration) (rates [2]float64, took []time.Duration, err error) {
	var address [2]string
	for i, h := range []http.Handler{ours, other} {
		var stop func() error
		if address[i], stop, err = serve(h); err != nil {
			return rates, nil, err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	var all [2][]float64
	for range rounds {
		for i := range address {
			if err := ctx.Err(); err != nil {
				return rates, nil, err
			}
			rate, t, err := load(address[i], path, cookie, etag, want, span)
			if err != nil {
				return rates, nil, err
			}
			all[i] = append(all[i], rate)
			if i == 0 {
				took = append(took, t...)
			}
		}
	}
	for i := range all {
		slices.Sort(all[i])
		rates[i] = all[i][rounds/2]
	}
	slices.Sort(took)
	return rates, took, nil
}

// fetched is one tile as the server sends it.
type fetched struct {
	body       []byte
	kind, etag string
}

// fetch asks a handler once over loopback.
func fetch(ctx context.Context, h http.Handler, path, cookie string) (f fetched, err error) {
	address, stop, err := serve(h)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return f, fmt.Errorf("ask: %w", err)
	}
	q.Header.Set("Accept-Encoding", "gzip")
	q.Header.Set("Cookie", cookie)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	a, err := client.Do(q)
	if err != nil {
		return f, fmt.Errorf("ask: %w", err)
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		return f, fmt.Errorf("%s: status %d", path, a.StatusCode)
	}
	if f.body, err = io.ReadAll(a.Body); err != nil {
		return f, fmt.Errorf("read tile: %w", err)
	}
	f.kind, f.etag = a.Header.Get("Content-Type"), a.Header.Get("ETag")
	return f, nil
}
