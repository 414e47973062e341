package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/index"
	"onepicture/sql"
)

// feed is how the index's columns of a kind are read: the columns of the query, in binary, make a put.
type feed struct {
	query   string
	columns int
	put     func(*columns, *index.Put)
}

var feeds = map[layers.Kind]feed{
	layers.KindPerson: {sql.Text("store/feed_person.sql"), 9, personPut},
	layers.KindSite:   {sql.Text("store/feed_site.sql"), 12, sitePut},
	layers.KindEvent:  {sql.Text("store/feed_event.sql"), 15, eventPut},
}

// chosen are rows of a table: a condition in SQL. COPY takes no arguments, so the numbers stand in it.
type chosen string

// ids are the rows with ids from first to last.
func ids(first, last int64) chosen { return chosen(fmt.Sprintf("id between %d and %d", first, last)) }

// pages are the rows in n pages of the table from the first on, which are read without an index.
func pages(first, n int64) chosen {
	return chosen(fmt.Sprintf("ctid >= '(%d,0)' and ctid < '(%d,0)'", first, first+n))
}

// readRows appends the features of the chosen rows. COPY in binary is read at a third of what a query costs.
func readRows(ctx context.Context, conn *pgx.Conn, kind layers.Kind, rows chosen, out []index.Put) ([]index.Put, error) {
	f := feeds[kind]
	r := &copied{columns: f.columns, row: func(c *columns) {
		out = append(out, index.Put{Kind: kind})
		f.put(c, &out[len(out)-1])
	}}
	if _, err := conn.PgConn().CopyTo(ctx, r, "copy ("+f.query+"\nand "+string(rows)+") to stdout (format binary)"); err != nil {
		return nil, fmt.Errorf("read %s rows: %w", kind, err)
	}
	if !r.ended {
		return nil, fmt.Errorf("read %s rows: %w", kind, errCopy)
	}
	return out, nil
}

func personPut(c *columns, p *index.Put) {
	p.Record.ID, p.Record.Key, p.Record.Place = c.int64(0), c.key(1), layers.PlaceID(c.int32(3, 0))
	p.Record.Class, p.Record.Status, p.Record.Flags = uint16(c.int16(4)), uint8(c.int16(5)), uint32(c.int32(6, 0))
	p.Record.Time, p.Position = c.date(7, layers.NoTime), layers.Position(c.int64(8))
}

func sitePut(c *columns, p *index.Put) {
	p.Record.ID, p.Record.Key, p.Record.Place = c.int64(0), c.key(1), layers.PlaceID(c.int32(3, 0))
	p.Record.Class, p.Record.Status = uint16(c.int16(4)), uint8(c.int16(5))
	p.Record.Time, p.Position = c.minute(6, 0), layers.Position(c.int64(7))
	if c.list[8] != nil {
		p.Bound = &orb.Bound{Min: orb.Point{c.float(8), c.float(9)}, Max: orb.Point{c.float(10), c.float(11)}}
	}
}

func eventPut(c *columns, p *index.Put) {
	p.Record.ID, p.Record.Key, p.Record.Place = c.int64(0), c.key(1), layers.PlaceID(c.int32(3, 0))
	p.Record.Class, p.Record.Item = uint16(c.int16(4)), uint16(c.int16(5))
	p.Record.Status, p.Record.Level, p.Record.Flags = uint8(c.int16(6)), uint8(c.int16(7)), uint32(c.int16(8))
	if late := c.list[9]; len(late) == 1 && late[0] != 0 {
		p.Record.Flags |= layers.FlagLate
	}
	p.Record.Time, p.Record.Due, p.Position = c.minute(10, 0), c.minute(11, 0), layers.Position(c.int64(12))
	p.Record.Department, p.Record.Closed = c.int16(13), c.minute(14, 0)
}

// columns are the fields of one row; nil is null. A field that is shorter than its type marks the row as bad.
type columns struct {
	list [][]byte
	bad  bool
	last struct { // location and its key: those of an address often follow each other
		lon, lat float64
		key      geo.Key
	}
}

func (c *columns) fixed(i, size int) []byte {
	if b := c.list[i]; len(b) == size {
		return b
	}
	c.bad = c.bad || c.list[i] != nil
	return nil
}

func (c *columns) int64(i int) int64 {
	if b := c.fixed(i, 8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (c *columns) int32(i int, none int32) int32 {
	if b := c.fixed(i, 4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return none
}

func (c *columns) int16(i int) int16 {
	if b := c.fixed(i, 2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (c *columns) float(i int) float64 { return math.Float64frombits(uint64(c.int64(i))) }

// key is the location whose longitude and latitude are the columns i and i+1.
func (c *columns) key(i int) geo.Key {
	if lon, lat := c.float(i), c.float(i+1); lon != c.last.lon || lat != c.last.lat || c.last.key == 0 {
		c.last.lon, c.last.lat, c.last.key = lon, lat, geo.KeyOf(lon, lat)
	}
	return c.last.key
}

// PostgreSQL counts days and microseconds from 2000-01-01.
const (
	epochDays    = 10957
	epochMinutes = epochDays * 24 * 60
)

func (c *columns) date(i int, none int32) int32 {
	if c.list[i] == nil {
		return none
	}
	return c.int32(i, 0) + epochDays
}

func (c *columns) minute(i int, none int32) int32 {
	if c.list[i] == nil {
		return none
	}
	return int32(math.Floor(float64(c.int64(i))/60e6)) + epochMinutes
}

// errCopy says that PostgreSQL sent something else than its documentation promises.
var errCopy = errors.New("the copied rows are not as they should be")

// copySignature begins a binary copy (PostgreSQL 15, COPY, File Formats); flags and an extension follow it.
const copySignature = "PGCOPY\n\xff\r\n\x00"

// copied takes a binary copy apart, however it is cut into writes.
type copied struct {
	columns int
	row     func(*columns)
	rest    []byte // not whole yet
	begun   bool
	ended   bool
	now     columns
}

// Write takes the next bytes.
func (r *copied) Write(p []byte) (int, error) {
	b := p
	if len(r.rest) > 0 {
		r.rest = append(r.rest, p...)
		b = r.rest
	}
	used, err := r.take(b)
	if err != nil {
		return 0, err
	}
	r.rest = append(r.rest[:0], b[used:]...)
	return len(p), nil
}

// take reads what is whole and says how much that was.
func (r *copied) take(b []byte) (used int, err error) {
	if !r.begun {
		const head = len(copySignature) + 8
		if len(b) < head {
			return 0, nil
		}
		extension := binary.BigEndian.Uint32(b[head-4:])
		if string(b[:len(copySignature)]) != copySignature || extension != 0 {
			return 0, errCopy
		}
		r.begun, used = true, head
		r.now.list = make([][]byte, r.columns)
	}
	for {
		n, ok, err := r.takeRow(b[used:])
		if err != nil || !ok {
			return used, err
		}
		used += n
	}
}

func (r *copied) takeRow(b []byte) (used int, ok bool, err error) {
	if len(b) < 2 {
		return 0, false, nil
	}
	fields := int16(binary.BigEndian.Uint16(b))
	if fields == -1 {
		r.ended = true
		return 2, len(b) > 2, nil
	}
	if r.ended || int(fields) != r.columns {
		return 0, false, errCopy
	}
	used = 2
	for i := range r.columns {
		if len(b) < used+4 {
			return 0, false, nil
		}
		size := int(int32(binary.BigEndian.Uint32(b[used:])))
		used += 4
		switch {
		case size == -1:
			r.now.list[i] = nil
			continue
		case size < 0:
			return 0, false, errCopy
		case len(b) < used+size:
			return 0, false, nil
		}
		r.now.list[i] = b[used : used+size : used+size]
		used += size
	}
	r.row(&r.now)
	if r.now.bad {
		return 0, false, errCopy
	}
	return used, true, nil
}
