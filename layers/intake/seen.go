package intake

import "hash/maphash"

// seen remembers the keys of the rows that a run has met, so that the second of two rows with one key is found
// whatever lies between them. A key takes 16 bytes in a table at most three quarters full: 40 MB a million keys at
// worst, while it grows. Keys are told apart by 96 bits of hash: among 10 million, two are mistaken for each other
// with a probability of 10^-15.
type seen struct {
	slots []mark
	n     int
}

// mark is a key's hash and that of its row's content.
type mark struct {
	key     uint64 // never 0 in a used slot
	check   uint32
	content uint32
}

var seedA, seedB = maphash.MakeSeed(), maphash.MakeSeed()

func markOf(key string, content uint32) mark {
	return mark{maphash.String(seedA, key) | 1, uint32(maphash.String(seedB, key)), content}
}

// add remembers the mark. known: the key was there before; equal: with the same content.
func (s *seen) add(m mark) (known, equal bool) {
	if 4*(s.n+1) > 3*len(s.slots) {
		s.grow()
	}
	slot := s.find(m)
	if slot.key != 0 {
		return true, slot.content == m.content
	}
	*slot = m
	s.n++
	return false, false
}

func (s *seen) find(m mark) *mark {
	mask := uint64(len(s.slots) - 1)
	for i := (m.key >> 1) & mask; ; i = (i + 1) & mask {
		if slot := &s.slots[i]; slot.key == 0 || slot.key == m.key && slot.check == m.check {
			return slot
		}
	}
}

func (s *seen) grow() {
	old := s.slots
	s.slots = make([]mark, max(1024, 2*len(old)))
	for _, m := range old {
		if m.key != 0 {
			*s.find(m) = m
		}
	}
}
