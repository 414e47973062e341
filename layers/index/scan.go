package index

import (
	"onepicture/geo"
)

// Scan lists the features that the query chooses in a tile: in Morton order, then, by id, the lines and areas of its
// neighbours that reach into it or its buffer (BufferUnits). When there are more than limit, ok is false and there are
// no rows. Nothing is chosen where the scope does not see records.
func (s *Snapshot) Scan(q Query, tile geo.Tile, limit int) (rows []Row, ok bool) {
	q.Part = Records
	t, p := s.plan(q)
	lo, hi := tile.Range()
	w := &scratch{}
	for _, sp := range t.spans(nil, lo, hi, false) {
		picked, whole := p.pick(sp, w)
		if whole {
			picked = w.identity(sp.lo, sp.hi)
		}
		if len(rows)+len(picked) > limit {
			return nil, false
		}
		for _, r := range picked {
			rows = append(rows, sp.chunk.row(int(r)))
		}
	}
	frame := frameOf(tile).buffered(tile.Z)
	for _, sh := range t.shapes {
		if !sh.box().meets(frame) {
			continue
		}
		key, found := t.ids.find(sh.id)
		if !found || key >= lo && key <= hi {
			continue
		}
		c := t.chunks[t.chunkOf(spot{key, sh.id})]
		i := c.search(spot{key, sh.id})
		if picked, whole := p.pick(span{chunk: c, lo: i, hi: i + 1}, w); !whole && len(picked) == 0 {
			continue
		}
		if len(rows) == limit {
			return nil, false
		}
		rows = append(rows, c.row(i))
	}
	return rows, true
}
