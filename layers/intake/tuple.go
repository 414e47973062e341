package intake

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/ewkb"

	"onepicture/layers/personal"
	"onepicture/sql"
)

// tuple builds one row in PostgreSQL's binary COPY format (PostgreSQL documentation, COPY, "Binary Format"): a count
// of fields, then each with its length. The first two fields are the row's id and source, filled in when it is put.
type tuple struct {
	b       []byte
	from    int      // where the row begins
	secrets []secret // of the row
}

// secret is where a personal value stands in a row: in the clear until the row has its id, in a place that is large
// enough for it to be sealed in.
type secret struct {
	column   personal.Column
	at, size int // size: of the value in the clear
}

// Where the id and the source stand in a tuple, and where the content begins.
const (
	atID     = 2 + 4
	atSource = atID + 8 + 4
	atHead   = atSource + 4
)

// copyHeader is the signature, flags and the length of the (absent) extension; copyTrailer ends the rows.
var (
	copyHeader  = []byte("PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	copyTrailer = []byte{0xff, 0xff}
)

func (t *tuple) begin(fields int) {
	t.from, t.secrets = len(t.b), nil
	t.b = binary.BigEndian.AppendUint16(t.b, uint16(fields))
	t.int8(0)
	t.int4(0)
}

func (t *tuple) length(n int)   { t.b = binary.BigEndian.AppendUint32(t.b, uint32(n)) }
func (t *tuple) null()          { t.length(-1) }
func (t *tuple) int2(v int)     { t.length(2); t.b = binary.BigEndian.AppendUint16(t.b, uint16(v)) }
func (t *tuple) int4(v int)     { t.length(4); t.b = binary.BigEndian.AppendUint32(t.b, uint32(v)) }
func (t *tuple) int8(v int64)   { t.length(8); t.b = binary.BigEndian.AppendUint64(t.b, uint64(v)) }
func (t *tuple) bytes(v []byte) { t.length(len(v)); t.b = append(t.b, v...) }
func (t *tuple) text(s string)  { t.length(len(s)); t.b = append(t.b, s...) }

func (t *tuple) float8(v float64) {
	t.length(8)
	t.b = binary.BigEndian.AppendUint64(t.b, math.Float64bits(v))
}

// textOrNull writes "" as null.
func (t *tuple) textOrNull(s string) {
	if s == "" {
		t.null()
		return
	}
	t.text(s)
}

// secret leaves room for the sealed form of a text; "" is null.
func (t *tuple) secret(c personal.Column, s string) {
	if s == "" {
		t.null()
		return
	}
	t.length(len(s) + personal.Overhead)
	t.secrets = append(t.secrets, secret{c, len(t.b) - t.from, len(s)})
	t.b = append(t.b, s...)
	t.b = append(t.b, make([]byte, personal.Overhead)...)
}

// date counts days from 2000-01-01.
func (t *tuple) date(v time.Time) { t.int4(int(v.Unix()/86400 - 10957)) }

// time counts microseconds from 2000-01-01 in UTC.
func (t *tuple) time(v time.Time) { t.int8(v.UnixMicro() - 946684800e6) }

func (t *tuple) timeOrNull(v time.Time) {
	if v.IsZero() {
		t.null()
		return
	}
	t.time(v)
}

// json writes a jsonb of that text: its version, then the text.
func (t *tuple) json(b []byte) {
	t.length(len(b) + 1)
	t.b = append(t.b, 1)
	t.b = append(t.b, b...)
}

func (t *tuple) point(p orb.Point) {
	t.length(25)
	t.b = append(t.b, 1)
	t.b = binary.LittleEndian.AppendUint32(t.b, 0x20000001) // a point with a reference system
	t.b = binary.LittleEndian.AppendUint32(t.b, sql.SRID)
	t.b = binary.LittleEndian.AppendUint64(t.b, math.Float64bits(p[0]))
	t.b = binary.LittleEndian.AppendUint64(t.b, math.Float64bits(p[1]))
}

func (t *tuple) shape(g orb.Geometry) error {
	if p, ok := g.(orb.Point); ok {
		t.point(p)
		return nil
	}
	b, err := ewkb.Marshal(g, sql.SRID, binary.LittleEndian)
	if err != nil {
		return fmt.Errorf("encode a shape: %w", err)
	}
	t.bytes(b)
	return nil
}
