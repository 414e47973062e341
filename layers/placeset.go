package layers

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// PlaceSet is a bit set over place ids. The zero value is empty. It is not safe for concurrent change.
type PlaceSet []uint64

// Add puts a place into the set; 0, "in no place", is a member like any other.
func (s *PlaceSet) Add(p PlaceID) {
	w := int(p) >> 6
	for len(*s) <= w {
		*s = append(*s, 0)
	}
	(*s)[w] |= 1 << (uint(p) & 63)
}

// Has tells whether the place is in the set.
func (s PlaceSet) Has(p PlaceID) bool {
	w := int(p) >> 6
	return p >= 0 && w < len(s) && s[w]&(1<<(uint(p)&63)) != 0
}

// Len is the number of places in the set.
func (s PlaceSet) Len() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// With holds the members of both; neither is changed.
func (s PlaceSet) With(o PlaceSet) PlaceSet {
	out := make(PlaceSet, max(len(s), len(o)))
	copy(out, s)
	for i, w := range o {
		out[i] |= w
	}
	return out
}

// Bytes are the set's bits, place by place, the lowest bit of the first byte being place 0; without trailing zeros.
func (s PlaceSet) Bytes() []byte {
	b := make([]byte, 0, 8*len(s))
	for _, w := range s {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return b
}

func (s PlaceSet) digest() []byte {
	h := sha256.New()
	for i, w := range s {
		if w != 0 { // trailing or leading empty words do not change the set
			var b [16]byte
			binary.LittleEndian.PutUint64(b[:8], uint64(i))
			binary.LittleEndian.PutUint64(b[8:], w)
			h.Write(b[:])
		}
	}
	return hex(h.Sum(nil)[:12])
}

func hex(b []byte) []byte {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 2*len(b))
	for _, c := range b {
		out = append(out, digits[c>>4], digits[c&15])
	}
	return out
}
