package load

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/flate"

	"onepicture/layers"
)

// told is what a server writes of one event.
func told(position, id int) string {
	return fmt.Sprintf("id: %d\nevent: change\ndata: {\"position\":\"%d\",\"at\":\"2026-11-26T01:00:00.5Z\",\"kind\":\"event\",\"op\":\"put\",\"id\":%d,\"lon\":113}\n\n",
		position, position, id)
}

const (
	others  = "id: 7\nevent: change\ndata: {\"position\":\"7\",\"at\":\"2026-11-26T01:00:00Z\",\"kind\":\"site\",\"op\":\"put\",\"id\":11}\n\n"
	counted = "id: 7\nevent: change\ndata: {\"position\":\"7\",\"at\":\"2026-11-26T01:00:00Z\",\"kind\":\"event\",\"op\":\"put\",\"id\":null,\"lon\":null}\n\n"
	beat    = "id: 9\nevent: position\ndata: {\"position\":\"9\",\"asOf\":\"2026-11-26T01:00:00Z\"}\n\n"
)

// packed is a text as a server packs it: each of the parts can be unpacked by itself.
func packed(t *testing.T, parts ...string) []byte {
	var out bytes.Buffer
	for _, text := range parts {
		if err := flate.StatelessDeflate(&out, []byte(text), false, nil); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// many is more than a reader's buffer holds, and does not pack well.
func many(n int) (text string, ids []int64) {
	r := rand.New(rand.NewPCG(1, 1))
	for i := range n {
		ids = append(ids, int64(100+i))
		text += told(20+i, 100+i) + fmt.Sprintf(": %x\n\n", [4]uint64{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()})
	}
	return text, ids
}

// However the network cuts what a stream is told, it counts the events after base, each as often as it was told; and so
// does every other stream that is told the same.
func TestWhatAStreamWasTold(t *testing.T) {
	long, of := many(1500)
	for _, c := range []struct {
		name   string
		parts  []string
		cut    int // bytes that do not come at the end
		want   []int64
		resets int64
		last   layers.Position
	}{
		{"nothing", []string{"retry: 1000\n\n"}, 0, nil, 0, 0},
		{"events", []string{told(5, 12), told(6, 11) + beat}, 0, []int64{11, 12}, 0, 9},
		{"one twice", []string{told(5, 11) + told(6, 11)}, 0, []int64{11, 11}, 0, 6},
		{"the same part twice", []string{told(5, 11), told(5, 11)}, 0, []int64{11, 11}, 0, 5},
		{"one from before", []string{told(5, 10) + told(6, 11)}, 0, []int64{11}, 0, 6},
		{"others", []string{others + counted, beat}, 0, nil, 0, 9},
		{"one that is cut short", []string{told(5, 11), told(6, 12)}, 1, []int64{11}, 0, 5},
		{"a part that ends within a message", []string{told(5, 11), "id: 6\nevent: change\nda", "ta: {\"kind\":\"event\",\"id\":12}\n\n"}, 0, []int64{11, 12}, 0, 6},
		{"a reset", []string{told(5, 11), "id: 8\nevent: reset\ndata: {\"position\":\"8\"}\n\n"}, 0, []int64{11}, 1, 8},
		{"a long part", []string{told(5, 11), long}, 0, append([]int64{11}, of...), 0, 20 + 1499},
	} {
		shared := newParts(10)
		bytes := packed(t, c.parts...)
		for seed := range uint64(20) {
			out, in := io.Pipe()
			s := &stream{parts: shared, body: out, probe: true}
			go func() {
				r := rand.New(rand.NewPCG(seed, 1))
				for rest := bytes[:len(bytes)-c.cut]; len(rest) > 0; {
					n := min(1+r.IntN(90+len(bytes)/50), len(rest))
					_, _ = in.Write(rest[:n])
					rest = rest[n:]
				}
				in.Close()
			}()
			if err := s.read(); err != io.EOF {
				t.Errorf("%s: %v", c.name, err)
			}
			if s.told != digestOf(c.want) || int(s.changes.Load()) != len(c.want) || len(s.seen) != len(c.want) || s.resets.Load() != c.resets || s.last != c.last {
				t.Errorf("%s: %+v, %d changes, %d resets, through %d", c.name, s.told, s.changes.Load(), s.resets.Load(), s.last)
			}
		}
	}
}

// What cannot be unpacked or read ends the stream, and is not taken for nothing.
func TestBrokenStreams(t *testing.T) {
	for name, bytes := range map[string][]byte{
		"not packed": append([]byte("event: change\ndata: {}\n\n"), whole...),
		"no JSON":    packed(t, "event: change\ndata: {\n\n"),
		"no id":      packed(t, "id: x\n\n"),
	} {
		if _, _, err := newParts(0).next(bytes); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

func TestDigests(t *testing.T) {
	whole := digestOf([]int64{1, 2, 3, 4})
	for name, other := range map[string][]int64{
		"one is missing": {1, 2, 3}, "one is double": {1, 2, 3, 4, 4}, "one stands for another": {1, 2, 3, 3},
		"the same sum and xor of ids": {0, 3, 2, 5}, "two doubles": {1, 1, 2, 2, 3, 4}, "nothing": nil,
	} {
		if digestOf(other) == whole {
			t.Errorf("%s: the digest does not tell", name)
		}
	}
	if digestOf([]int64{4, 2, 1, 3}) != whole {
		t.Error("the order matters")
	}
}

// A phone that comes back asks for what comes after the last complete message, at the other server, and its time ends
// when it has that.
func TestPhonesComeBack(t *testing.T) {
	asked := make(chan string, 1)
	later := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("Last-Event-ID")
		w.Header().Set("Transfer-Encoding", "identity")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(append(make([]byte, gzipHead), packed(t, told(6, 12), told(8, 13))...))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer later.Close()
	run := &run{Options: &Options{Phones: 1}, tally: newTally(time.Now()), outbox: newOutbox("t")}
	run.servers = []*server{{address: "of nobody"}, {address: later.Listener.Addr().String()}}
	s := &step{run: run, Step: Step{Rate: 1, Streams: 0}}
	s.outbox.last = 8
	phone := &stream{parts: newParts(10), last: 5, told: digestOf([]int64{11}), ended: make(chan struct{})}
	close(phone.ended)
	if what := s.comeBack(t.Context(), phone); what != "" {
		t.Fatal(what)
	}
	phone.close()
	s.readers.Wait()
	if from := <-asked; from != "5" || phone.told != digestOf([]int64{11, 12, 13}) || s.phones.N() != 1 {
		t.Errorf("asked from %s, was told %+v, %d timed", from, phone.told, s.phones.N())
	}
	run.servers[0].address = closedPort(t)
	if what := s.comeBack(t.Context(), phone); what != "connection refused" {
		t.Errorf("a server that is away: %q", what)
	}
}

func closedPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Without phones nobody waits for them.
func TestNoPhones(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		(&step{run: &run{Options: &Options{Span: time.Hour}}}).flap(context.Background())
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v", took)
		}
	})
}
