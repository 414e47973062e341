package store

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/index"
)

// message is a binary copy of rows of two columns, the second null.
func message(rows ...[]byte) []byte {
	b := append([]byte(copySignature), make([]byte, 8)...)
	for _, row := range rows {
		b = binary.BigEndian.AppendUint16(b, 2)
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(row))), row...)
		b = binary.BigEndian.AppendUint32(b, math.MaxUint32)
	}
	return binary.BigEndian.AppendUint16(b, math.MaxUint16)
}

func TestCopyIsReadHoweverItIsCut(t *testing.T) {
	want := []string{"one", "", "a longer one"}
	whole := message([]byte(want[0]), []byte(want[1]), []byte(want[2]))
	for step := 1; step <= len(whole); step++ {
		var got []string
		r := &copied{columns: 2, row: func(c *columns) {
			got = append(got, string(c.list[0]))
			if c.list[1] != nil {
				t.Fatal("null is something")
			}
		}}
		for part := range slices.Chunk(whole, step) {
			if n, err := r.Write(part); err != nil || n != len(part) {
				t.Fatalf("in steps of %d: %d, %v", step, n, err)
			}
		}
		if !r.ended || !slices.Equal(got, want) {
			t.Fatalf("in steps of %d: ended %v, %q", step, r.ended, got)
		}
	}
}

func TestBadCopiesAreRefused(t *testing.T) {
	whole := message([]byte("x"))
	for name, b := range map[string][]byte{
		"another signature":  append([]byte("PGDUMP"), whole[6:]...),
		"an extension":       slices.Concat(whole[:18], []byte{1}, whole[19:]),
		"more columns":       slices.Concat(whole[:20], []byte{3}, whole[21:]),
		"a negative length":  slices.Concat(whole[:21], []byte{0xff, 0xff, 0xff, 0xfe}, whole[25:]),
		"rows after the end": append(slices.Clone(whole), whole[19:]...),
	} {
		r := &copied{columns: 2, row: func(*columns) {}}
		if _, err := r.Write(b); !errors.Is(err, errCopy) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := &copied{columns: 2, row: func(c *columns) { c.int64(0) }}
	if _, err := r.Write(whole); !errors.Is(err, errCopy) {
		t.Errorf("a number of one byte: %v", err)
	}
}

func FuzzCopy(f *testing.F) {
	f.Add(message([]byte("x"), []byte{}), 3)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		cut = max(0, min(cut, len(b)))
		for k, feed := range feeds {
			r := &copied{columns: feed.columns, row: func(c *columns) { feed.put(c, &index.Put{Kind: k}) }}
			if _, err := r.Write(b[:cut]); err == nil {
				_, _ = r.Write(b[cut:]) // it must not panic
			}
		}
	})
}

// What the columns mean is told by rows whose values are known.
func TestRowsAreRead(t *testing.T) {
	pool, _ := fixture(t)
	if _, err := pool.Exec(t.Context(), `
		update person set place_id = null, birth = null, gender = 2, care = 5, class = 0 where id = 1;
		update event set item_id = null, due_at = null, level = 4, channel = 2, reported_at = '1969-12-31 23:59:30Z' where id = 1;
		update event set place_id = null, due_at = '2026-01-02 00:01:59Z' where id = 2;
		update site set updated_at = '2026-03-04 05:06:07Z'`); err != nil {
		t.Fatal(err)
	}
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	read := func(k layers.Kind, id int64) index.Put {
		t.Helper()
		puts, err := readRows(t.Context(), conn.Conn(), k, ids(id, id), nil)
		if err != nil || len(puts) != 1 || puts[0].Position == 0 {
			t.Fatalf("%s %d: %+v, %v", k, id, puts, err)
		}
		puts[0].Position = 0
		return puts[0]
	}
	minute := func(text string) int32 {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return layers.Minutes(at)
	}
	for _, c := range []struct {
		name      string
		got, want index.Put
	}{
		{"a person of whom little is known", read(layers.KindPerson, 1), index.Put{Kind: layers.KindPerson, Record: layers.Record{
			ID: 1, Key: geo.KeyOf(113.201, 22.5), Status: 2, Flags: 5, Time: layers.NoTime}}},
		{"a person", read(layers.KindPerson, 2), index.Put{Kind: layers.KindPerson, Record: layers.Record{
			ID: 2, Key: geo.KeyOf(113.202, 22.5), Place: 4, Status: 1, Time: -14610}}},
		{"an event of which little is known", read(layers.KindEvent, 1), index.Put{Kind: layers.KindEvent, Record: layers.Record{
			ID: 1, Key: geo.KeyOf(113.6, 22.5), Place: 3, Class: 1, Status: 2, Level: 4, Flags: 2, Time: -1}}},
		{"an event closed late", read(layers.KindEvent, 2), index.Put{Kind: layers.KindEvent, Record: layers.Record{
			ID: 2, Key: geo.KeyOf(113.6, 22.5), Class: 1, Item: 1, Status: 7, Level: 3, Flags: layers.FlagLate,
			Time: minute("2026-01-01T02:00:00Z"), Due: minute("2026-01-02T00:01:00Z"), Closed: minute("2026-01-03T00:00:00Z")}}},
		{"an area", read(layers.KindSite, 1), index.Put{Kind: layers.KindSite, Record: layers.Record{
			ID: 1, Key: geo.KeyOf(113.65, 22.45), Place: 3, Class: 1, Status: 1, Time: minute("2026-03-04T05:06:00Z")},
			Bound: &orb.Bound{Min: orb.Point{113.6, 22.4}, Max: orb.Point{113.7, 22.5}}}},
		{"a point", read(layers.KindSite, 2), index.Put{Kind: layers.KindSite, Record: layers.Record{
			ID: 2, Key: geo.KeyOf(113.3, 22.5), Place: 4, Class: 1, Status: 1, Time: minute("2026-03-04T05:06:00Z")}}},
	} {
		if c.got.Record != c.want.Record || (c.got.Bound == nil) != (c.want.Bound == nil) || c.got.Bound != nil && *c.got.Bound != *c.want.Bound {
			t.Errorf("%s:\n got %+v %v\nwant %+v %v", c.name, c.got.Record, c.got.Bound, c.want.Record, c.want.Bound)
		}
	}
}
