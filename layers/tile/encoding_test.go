package tile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"onepicture/layers"
)

// name gives the first sites names of sixty letters each.
func (f *fixture) name(n int64, letter func(id int64, i int) rune) {
	for id := range n {
		name := strings.Builder{}
		for i := range 60 {
			name.WriteRune(letter(id, i))
		}
		f.source.features[id] = layers.Feature{ID: id, Name: name.String()}
	}
}

func TestPackAndUnpack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		plain := rapid.OneOf(
			rapid.SliceOfN(rapid.Byte(), 0, 3000),
			rapid.Map(rapid.SliceOfN(rapid.IntRange(0, 3), 1, 2000), func(list []int) []byte { // as repetitive as tiles are
				var b []byte
				for _, i := range list {
					b = append(b, fmt.Sprintf("\x12\x0f\x12\x04\x00%d", i)...)
				}
				return b
			})).Draw(rt, "plain")
		before := bytes.Clone(plain)
		for _, e := range Encodings {
			packed, err := Pack(e, plain)
			if err != nil {
				rt.Fatalf("%s: %v", e, err)
			}
			kept := bytes.Clone(packed)
			if _, err := Pack(e, []byte("another tile, made with the same tools")); err != nil {
				rt.Fatal(err)
			}
			if !bytes.Equal(packed, kept) {
				rt.Fatalf("%s: the next tile wrote over this one", e)
			}
			got, err := Unpack(e, packed)
			if err != nil || !bytes.Equal(got, plain) {
				rt.Fatalf("%s: %d bytes of %d, %v", e, len(got), len(plain), err)
			}
			if e != Plain && cap(packed) > len(packed)+len(packed)/4+64 {
				rt.Errorf("%s: %d bytes keep %d", e, len(packed), cap(packed))
			}
		}
		if !bytes.Equal(plain, before) {
			rt.Error("packing changed the tile")
		}
	})
}

func TestUnpackRefuses(t *testing.T) {
	large, err := Pack(Zstd, make([]byte, maxPlain+1))
	if err != nil {
		t.Fatal(err)
	}
	largeGzip, err := Pack(Gzip, make([]byte, maxPlain+1))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		e      Encoding
		packed []byte
	}{
		{"text", Zstd, []byte("hello")}, {"text", Gzip, []byte("hello")}, {"text", Brotli, []byte("hello")},
		{"more than a tile", Zstd, large}, {"more than a tile", Gzip, largeGzip},
		{"half", Zstd, large[:len(large)/2]}, {"half", Gzip, largeGzip[:len(largeGzip)/2]}, {"nothing", Gzip, nil},
	} {
		if got, err := Unpack(c.e, c.packed); err == nil || got != nil {
			t.Errorf("%s as %s: %d bytes, %v", c.name, c.e, len(got), err)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	for _, e := range Encodings {
		packed, err := Pack(e, []byte("a tile a tile a tile"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(e), packed)
	}
	f.Fuzz(func(t *testing.T, e uint8, packed []byte) {
		encoding := Encodings[int(e)%len(Encodings)]
		if got, err := Unpack(encoding, packed); len(got) > max(maxPlain, len(packed)) || err != nil && got != nil {
			t.Errorf("%s: %d bytes, %v", encoding, len(got), err)
		}
	})
}

// Whatever the encoding, a tile is within the budget; one that fits as it is kept is the same in all that it fits in.
func TestEncodingsKeepTheBudget(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var again [250][60]rune
	for id := range again {
		for i := range again[id] {
			again[id][i] = rune(0x4e00 + random.IntN(20_000))
		}
	}
	for _, c := range []struct {
		name   string
		letter func(int64, int) rune
		single []Encoding // those in which the tile is of single sites
	}{
		{"small names", func(id int64, _ int) rune { return rune('a' + id%26) }, Encodings},
		// Nearly the same names again after more than the 32 KiB that gzip remembers.
		{"names that come again", func(id int64, i int) rune {
			if i < 3 { // no two are the same
				return rune('a' + id/[]int64{1, 26, 676}[i]%26)
			}
			return again[id%250][i]
		}, []Encoding{Plain, Brotli, Zstd}},
		{"random names", func(int64, int) rune { return rune(0x4e00 + random.IntN(20_000)) }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, many(layers.KindSite, 1900, 0.02)...)
			f.name(2000, c.letter)
			r := f.request(tileAt(113.51, 23.01, 9), layers.Loopback(), "sites")
			built, err := f.builder.Build(t.Context(), f.snap, r)
			if err != nil {
				t.Fatal(err)
			}
			whole, err := Unpack(Zstd, built)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range Encodings {
				asked := f.source.asked
				packed, err := f.builder.Encode(t.Context(), f.snap, r, built, e)
				if err != nil {
					t.Fatal(err)
				}
				if e != Plain && len(packed) > MaxBytes {
					t.Errorf("%s has %d bytes", e, len(packed))
				}
				plain, err := Unpack(e, packed)
				if err != nil {
					t.Fatal(err)
				}
				list := f.decode(t, plain)["sites"]
				single := list[0].ID != nil
				if told(list) != 1900 || single != slices.Contains(c.single, e) {
					t.Errorf("%s: %d told in %d, one by one %v", e, told(list), len(list), single)
				}
				if same := bytes.Equal(plain, whole); same && f.source.asked != asked || !same && single {
					t.Errorf("%s: the same tile %v, and the source was asked %d times more", e, same, f.source.asked-asked)
				}
			}
		})
	}
	f := newFixture(t)
	for _, e := range Encodings {
		if got, err := f.builder.Encode(t.Context(), f.snap, f.request(tileAt(113, 23, 9), layers.Loopback(), "sites"), nil, e); got != nil || err != nil {
			t.Errorf("nothing as %s: %d bytes, %v", e, len(got), err)
		}
	}
}
