package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Head is the end of the chain: the last row's number and hash. The zero value is before the first row.
type Head struct {
	Seq  int64
	At   time.Time
	Hash [32]byte
}

// follow makes the row that comes after a head.
func (h Head) follow(e Entry, at time.Time) Row {
	r := Row{Seq: h.Seq + 1, At: at.UTC().Truncate(time.Microsecond), Entry: e, Previous: h.Hash}
	r.Hash = r.digest()
	return r
}

// head is the end of the chain when this is its last row.
func (r *Row) head() Head { return Head{r.Seq, r.At, r.Hash} }

// digest is the SHA-256 of the row's columns: numbers as 8 bytes, big-endian; texts with their length before them; the
// time as microseconds since 1970; first of all the hash of the row before.
func (r *Row) digest() (sum [32]byte) {
	b := make([]byte, 0, 512)
	number := func(n int64) { b = binary.BigEndian.AppendUint64(b, uint64(n)) }
	text := func(s string) {
		number(int64(len(s)))
		b = append(b, s...)
	}
	b = append(b, r.Previous[:]...)
	number(r.Seq)
	number(r.At.UnixMicro())
	text(r.Actor)
	text(string(r.What))
	text(r.Subject)
	number(r.ID)
	text(r.Purpose)
	text(r.Reason)
	text(r.Filter)
	number(r.Rows)
	number(int64(r.Position))
	number(r.Took.Microseconds())
	text(r.Request)
	if r.Alert {
		number(1)
	} else {
		number(0)
	}
	return sha256.Sum256(b)
}
