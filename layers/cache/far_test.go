package cache

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"onepicture/private"
	"onepicture/sql/sqltest"
)

func TestMain(m *testing.M) { sqltest.Main(m) }

func client(t *testing.T, address string) redis.UniversalClient {
	t.Helper()
	r, err := OpenRedis(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// options gives every test keys of its own in the shared Redis, and a wait that a busy machine keeps.
func options(t *testing.T, r redis.UniversalClient) Options {
	return Options{Redis: r, Prefix: t.Name() + rand.Text() + ":", Wait: 2 * time.Second}
}

// settled closes the cache, so that what it had to write to Redis is written, and makes another one like it.
func settled(t *testing.T, c *Cache) *Cache {
	t.Helper()
	c.Close()
	return newCache(t, c.o)
}

func TestSecondProcessFindsIt(t *testing.T) {
	address := sqltest.Redis(t)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	r, err := OpenRedis(address)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := newCache(t, options(t, r))
	get(t, c, "k", text("v"))
	c = settled(t, c)
	if got := get(t, c, "k", text("built again")); got != "v" {
		t.Errorf("got %q", got)
	}
	if s := c.Status(); s.FarHits != 1 || s.Builds != 0 || s.Redis != StateOK {
		t.Errorf("status %+v", s)
	}
	if ttl := r.TTL(t.Context(), c.far.name("k")).Val(); ttl <= 0 || ttl > time.Hour {
		t.Errorf("it stays %v in Redis", ttl)
	}
	c.Close()
}

func TestForeignValues(t *testing.T) {
	r := client(t, sqltest.Redis(t))
	good := seal("k", []byte("the value"))
	flipped := append([]byte(nil), good...)
	flipped[len(flipped)-1] ^= 1
	for name, value := range map[string]any{
		"foreign text":      "hello",
		"empty":             "",
		"truncated":         good[:len(good)-1],
		"header only":       good[:header-1],
		"one bit flipped":   flipped,
		"of another key":    seal("other", []byte("the value")),
		"of another format": append([]byte("1pc0"), good[4:]...),
	} {
		t.Run(name, func(t *testing.T) {
			c := newCache(t, options(t, r))
			if err := r.Set(t.Context(), c.far.name("k"), value, time.Minute).Err(); err != nil {
				t.Fatal(err)
			}
			if got := get(t, c, "k", text("built")); got != "built" {
				t.Errorf("got %q", got)
			}
			if s := c.Status(); s.Foreign != 1 || s.Redis != StateOK {
				t.Errorf("status %+v", s)
			}
			c = settled(t, c)
			if got := get(t, c, "k", text("again")); got != "built" {
				t.Errorf("the foreign value was not replaced: %q", got)
			}
		})
	}
	t.Run("of another type", func(t *testing.T) {
		c := newCache(t, options(t, r))
		for range c.o.Failures + 1 { // however often: it is the value's fault, not Redis's
			c.near.InvalidateAll()
			if err := r.Del(t.Context(), c.far.name("k")).Err(); err != nil {
				t.Fatal(err)
			}
			if err := r.LPush(t.Context(), c.far.name("k"), "x").Err(); err != nil {
				t.Fatal(err)
			}
			if got := get(t, c, "k", text("built")); got != "built" {
				t.Errorf("got %q", got)
			}
			c.running.Wait()
		}
		if s := c.Status(); s.Foreign != 4 || s.Redis != StateOK || s.Open {
			t.Errorf("status %+v", s)
		}
		c = settled(t, c)
		if got := get(t, c, "k", text("again")); got != "built" {
			t.Errorf("the list was not replaced: %q", got)
		}
	})
}

// What Redis does not take is harmless: what it holds is read, what it does not hold is built, without waiting for a
// lock that it cannot give.
func TestRedisTakesNothing(t *testing.T) {
	for name, change := range map[string]func(context.Context, *redis.Client) error{
		"full": func(ctx context.Context, r *redis.Client) error {
			if err := r.ConfigSet(ctx, "maxmemory-policy", "noeviction").Err(); err != nil {
				return err
			}
			return r.ConfigSet(ctx, "maxmemory", "1").Err()
		},
		"read-only": func(ctx context.Context, r *redis.Client) error {
			return r.ReplicaOf(ctx, "127.0.0.1", "1").Err() // of nobody: it keeps what it has and takes nothing
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			r := client(t, server.URL())
			c := newCache(t, options(t, r))
			get(t, c, "before", text("v"))
			c = settled(t, c)
			plain, ok := r.(*redis.Client)
			if !ok {
				t.Fatalf("the client is a %T", r)
			}
			if err := change(t.Context(), plain); err != nil {
				t.Fatal(err)
			}
			for i := range 5 {
				if got := get(t, c, fmt.Sprint(i), text("built")); got != "built" {
					t.Errorf("got %q", got)
				}
			}
			c.running.Wait()
			if got := get(t, c, "before", text("built again")); got != "v" {
				t.Errorf("what it held before: %q", got)
			}
			if s := c.Status(); s.Refused != 5 || s.Redis != StateOK || s.Open || s.Waits != 0 || s.FarHits != 1 {
				t.Errorf("status %+v", s)
			}
		})
	}
}

// Redis dies while a value is built under its lock: the value is given all the same, and nothing later waits for it.
func TestGoneInTheMiddle(t *testing.T) {
	server := start(t)
	o := options(t, client(t, server.URL()))
	o.Failures, o.Pause, o.Patience = 1, 10*time.Minute, time.Hour
	c := newCache(t, o)
	got := get(t, c, "k", func(context.Context) ([]byte, error) {
		return []byte("built"), syscall.Kill(server.PID(), syscall.SIGKILL)
	})
	if got != "built" {
		t.Errorf("got %q", got)
	}
	c.running.Wait()
	if s := c.Status(); s.Redis != StateAway || !s.Open {
		t.Errorf("status %+v", s)
	}
	if got := get(t, c, "other", text("built")); got != "built" || c.Status().Waits != 0 {
		t.Errorf("got %q, %+v", got, c.Status())
	}
}

// It answers reads but is slow to take writes, locks among them: after a few bounded waits it is left alone.
func TestRedisIsSlow(t *testing.T) {
	server := start(t)
	r := client(t, server.URL())
	if err := r.Do(t.Context(), "client", "pause", 600_000, "write").Err(); err != nil {
		t.Fatal(err)
	}
	o := options(t, client(t, server.URL()))
	o.Wait, o.Pause = 20*time.Millisecond, 10*time.Minute
	c := newCache(t, o)
	began := time.Now()
	for i := range 200 {
		if got := get(t, c, fmt.Sprint(i), text("built")); got != "built" {
			t.Errorf("got %q", got)
		}
	}
	c.running.Wait()
	if s := c.Status(); !s.Open || s.Redis != StateAway || s.Builds != 200 || time.Since(began) > 3*time.Second {
		t.Errorf("after %v: %+v", time.Since(began), s)
	}
	if err := r.Do(t.Context(), "client", "unpause").Err(); err != nil {
		t.Fatal(err)
	}
	if s := c.Check(t.Context()); s.Redis != StateOK || s.Open {
		t.Errorf("when it is quick again: %+v", s)
	}
}

func start(t *testing.T) *private.Redis {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != "/"; d = filepath.Dir(d) { // the server is an unprivileged user when the tests are root's
		_ = syscall.Chmod(d, 0o755)
		if strings.HasPrefix(filepath.Base(d), "Test") {
			break
		}
	}
	server, err := private.StartRedis(t.Context(), filepath.Join(dir, "r"), 64)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = server.Stop(ctx)
	})
	return server
}

// Nobody answers at the address: after a few failures Redis is not asked, and it is back soon after it is there.
func TestKilledAndBack(t *testing.T) {
	server := start(t)
	o := options(t, client(t, server.URL()))
	o.Pause, o.Wait = 20*time.Millisecond, 500*time.Millisecond
	c := newCache(t, o)
	get(t, c, "before", text("v"))
	c.running.Wait()
	if err := syscall.Kill(server.PID(), syscall.SIGSTOP); err != nil { // as if the machine had gone
		t.Fatal(err)
	}
	for i := range 5 {
		if got := get(t, c, fmt.Sprint("down", i), text("built")); got != "built" {
			t.Errorf("got %q", got)
		}
	}
	if s := c.Status(); s.Redis != StateAway || s.RedisDetail == "" {
		t.Errorf("while it is away: %+v", s)
	}
	if err := syscall.Kill(server.PID(), syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	untilBack(t, c)
	c = settled(t, c)
	if got := get(t, c, "before", text("lost")); got != "v" {
		t.Errorf("after it came back: %q", got)
	}
	if err := syscall.Kill(server.PID(), syscall.SIGKILL); err != nil { // it is started again, empty
		t.Fatal(err)
	}
	for i := range 5 {
		get(t, c, fmt.Sprint("killed", i), text("built"))
	}
	untilBack(t, c)
	c = settled(t, c)
	if got := get(t, c, "before", text("built anew")); got != "built anew" {
		t.Errorf("an empty Redis gave %q", got)
	}
}

// untilBack asks until Redis answers again; nothing that is asked fails meanwhile.
func untilBack(t *testing.T, c *Cache) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for i := 0; c.Check(ctx).Redis != StateOK; i++ {
		if _, err := c.Get(ctx, fmt.Sprint(t.Name(), i), 0, text("built")); err != nil {
			t.Fatalf("it does not come back: %v", err)
		}
	}
	c.running.Wait()
}

// deaf accepts connections and never answers.
func deaf(t *testing.T) (address string, accepted func() int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	count := make(chan int, 1)
	count <- 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			count <- 1 + <-count
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return "redis://" + l.Addr().String(), func() int { n := <-count; count <- n; return n }
}

func TestRedisNeverAnswers(t *testing.T) {
	address, accepted := deaf(t)
	c := newCache(t, Options{Redis: client(t, address), Wait: 20 * time.Millisecond, Pause: time.Hour, Failures: 3})
	began := time.Now()
	for i := range 100 {
		if got := get(t, c, fmt.Sprint(i), text("built")); got != "built" {
			t.Errorf("got %q", got)
		}
	}
	c.running.Wait()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("100 values took %v", took)
	}
	if n := accepted(); n > 10 {
		t.Errorf("it was asked %d times although it never answers", n)
	}
	if s := c.Status(); s.Redis != StateAway || s.Builds != 100 {
		t.Errorf("status %+v", s)
	}
}

func TestRedisIsDown(t *testing.T) {
	c := newCache(t, Options{Redis: client(t, "unix:///nonexistent/redis.sock"), Pause: time.Hour})
	for i := range 10 {
		if got := get(t, c, fmt.Sprint(i), text("built")); got != "built" {
			t.Errorf("got %q", got)
		}
	}
	if s := c.Check(t.Context()); s.Redis != StateAway {
		t.Errorf("status %+v", s)
	}
}

func TestOpenRedis(t *testing.T) {
	for address, want := range map[string]string{
		"redis://:geheim@host:port":         "cannot be read",
		"redis://u:geheim@h:1/notanumber":   "cannot be read|invalid database",
		"http://host":                       "use unix://",
		"redis+sentinel://host:26379/0":     "master_name",
		"redis://host:6379?unknown_thing=1": "unknown_thing",
		"":                                  "use unix://",
	} {
		_, err := OpenRedis(address)
		if err == nil {
			t.Errorf("%s: accepted", address)
			continue
		}
		if strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: the error tells the password", address)
		}
		ok := false
		for _, w := range strings.Split(want, "|") {
			ok = ok || strings.Contains(err.Error(), w)
		}
		if !ok {
			t.Errorf("%s: %v, want it to say %q", address, err, want)
		}
	}
	for _, address := range []string{
		"redis://host:6379/2", "rediss://u:p@host:6379", "unix:///run/redis.sock?db=1",
		"redis+sentinel://host:26379/0?master_name=m&addr=other:26379", "redis+cluster://host:6379?addr=other:6379",
	} {
		r, err := OpenRedis(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if err := r.Close(); err != nil {
			t.Errorf("%s: close: %v", address, err)
		}
	}
}
