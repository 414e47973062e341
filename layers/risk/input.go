package risk

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	inputSQL      = sql.Text("risk/input.sql")
	inputNewSQL   = sql.Text("risk/input_new.sql")
	inputLockSQL  = sql.Text("risk/input_lock.sql")
	picturePutSQL = sql.Text("risk/picture_put.sql")
	pictureSQL    = sql.Text("risk/picture.sql")
	sourcesSQL    = sql.Text("risk/sources.sql")
	sharesSQL     = sql.Text("risk/shares.sql")
)

// Alarm says that a source of events is silent.
type Alarm struct {
	Source
	Since time.Time // the last that was heard of it
	Days  int       // whole days of silence, today left out
}

// silentAfter is how long a source may say nothing before it counts as silent: twice what it promised, a day at least.
func silentAfter(cadence time.Duration) time.Duration { return max(2*cadence, 24*time.Hour) }

// alarmsAt are the sources that are silent. One that promised nothing is never silent, nor is one that never spoke.
func alarmsAt(sources []Source, w *World, now time.Time) []Alarm {
	var out []Alarm
	for _, s := range sources {
		if s.Cadence > 0 && s.LastAt != nil && now.Sub(*s.LastAt) > silentAfter(s.Cadence) {
			out = append(out, Alarm{Source: s, Since: *s.LastAt, Days: int(max(0, w.Day(now)-w.Day(*s.LastAt)-1))})
		}
	}
	return out
}

// Alarms are the silent sources, as last looked at.
func (l *Live) Alarms() []Alarm {
	if a := l.alarms.Load(); a != nil {
		return *a
	}
	return nil
}

// renew looks at the day, the sources and the model; when one of them is another than the scores were computed by, it
// stores from which position on that holds. Of several servers the first writes, and all take the same.
func (w *worker) renew(ctx context.Context) error {
	w.checked = time.Now()
	sources, err := w.l.readSources(ctx)
	if err != nil {
		return err
	}
	alarms := alarmsAt(sources, w.world, w.l.now())
	w.l.alarms.Store(&alarms)
	today := w.l.today(w.world)
	silences, err := w.silences(ctx, alarms, today)
	if err != nil {
		return err
	}
	next, err := w.l.agree(ctx, Input{Position: w.position, ModelID: w.model.ID, Day: today + 1, Silences: silences})
	if err != nil {
		return err
	}
	if w.input != nil && w.input.ID == next.ID {
		w.show()
		return nil
	}
	w.input = next
	p := w.paint(nil)
	if err := w.store(ctx, p); err != nil { // what is shown is stored
		w.input = nil
		return err
	}
	w.l.picture.Store(p)
	w.watch(ctx)
	return nil
}

// agree takes the newest stored input when it says the same, and stores the given one otherwise.
func (l *Live) agree(ctx context.Context, want Input) (*Input, error) {
	var out *Input
	err := pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, inputLockSQL); err != nil {
			return err
		}
		have, err := readInput(ctx, tx, layers.Position(1)<<63-1)
		if err == nil && have.ModelID == want.ModelID && have.Day == want.Day && same(have.Silences, want.Silences) {
			out = have
			return nil
		}
		if err != nil && layers.CodeOf(err) != layers.CodeNotFound {
			return err
		}
		text, err := json.Marshal(want.Silences)
		if err != nil {
			return err
		}
		out = &want
		return tx.QueryRow(ctx, inputNewSQL, want.Position.String(), want.ModelID, want.Day, text).Scan(&out.ID, &out.At)
	})
	return out, ledger.Problem("input of the estimate", err)
}

// same tells that the same sources are silent since the same days.
func same(a, b []Silence) bool {
	return slices.EqualFunc(a, b, func(x, y Silence) bool { return x.Source == y.Source && x.From == y.From })
}

type queryer interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// readInput is the one that held at a position.
func readInput(ctx context.Context, q queryer, p layers.Position) (*Input, error) {
	in := &Input{}
	var position int64
	err := q.QueryRow(ctx, inputSQL, p.String()).Scan(&in.ID, &in.At, &position, &in.ModelID, &in.Day, &in.Silences)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, layers.NotFound("estimate at that position")
	}
	if err != nil {
		return nil, ledger.Problem("input of the estimate", err)
	}
	in.Position = layers.Position(position)
	return in, nil
}

func (l *Live) readSources(ctx context.Context) ([]Source, error) {
	rows, err := l.pool.Query(ctx, sourcesSQL)
	if err != nil {
		return nil, ledger.Problem("sources", err)
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (s Source, err error) {
		var seconds int64
		err = r.Scan(&s.ID, &s.Code, &s.Name, &s.NameEn, &seconds, &s.LastAt)
		s.Cadence = time.Duration(seconds) * time.Second
		return s, err
	})
	return list, ledger.Problem("sources", err)
}

// shares are how many events of the last year came from which source.
type shares struct {
	day int32
	n   map[shareKey]map[int32]float64 // by source
}

type shareKey struct {
	class uint16
	group int
	leaf  int32 // -1: everywhere
}

// silences say what each silent source usually tells. A leaf's own share counts as far as it has events; what is usual
// everywhere counts as five.
func (w *worker) silences(ctx context.Context, alarms []Alarm, today int32) ([]Silence, error) {
	out := []Silence{}
	for _, a := range alarms {
		if a.Days == 0 {
			continue
		}
		if w.shares == nil || w.shares.day != today {
			if err := w.readShares(ctx, today); err != nil {
				return nil, err
			}
		}
		s := Silence{Source: a.ID, From: w.world.Day(a.Since) + 1, Shares: map[uint16][channels][]uint8{}}
		for i := range w.model.Categories {
			class := w.model.Categories[i].Class
			var by [channels][]uint8
			for g := range channels {
				by[g] = w.shares.of(class, g, a.ID, w.d.Areas.Leaves)
			}
			s.Shares[class] = by
		}
		out = append(out, s)
	}
	return out, nil
}

func (s *shares) of(class uint16, group int, source int32, leaves int) []uint8 {
	share := func(k shareKey, prior, weight float64) float64 {
		total := 0.0
		for _, n := range s.n[k] {
			total += n
		}
		if total+weight == 0 {
			return 0
		}
		return (s.n[k][source] + prior*weight) / (total + weight)
	}
	all := share(shareKey{class, group, -1}, 0, 0)
	if all == 0 {
		return nil
	}
	out := make([]uint8, leaves)
	for i := range out {
		out[i] = uint8(255 * share(shareKey{class, group, int32(i)}, all, 5))
	}
	return out
}

func (w *worker) readShares(ctx context.Context, today int32) error {
	from := time.Unix(int64(today-365)*86400, 0)
	rows, err := w.l.pool.Query(ctx, sharesSQL, from, w.l.now())
	if err != nil {
		return ledger.Problem("sources", err)
	}
	s := &shares{day: today, n: map[shareKey]map[int32]float64{}}
	add := func(k shareKey, source int32, n float64) {
		if s.n[k] == nil {
			s.n[k] = map[int32]float64{}
		}
		s.n[k][source] += n
	}
	var source, n int32
	var class int16
	var patrol bool
	var place layers.PlaceID
	_, err = pgx.ForEachRow(rows, []any{&source, &class, &patrol, &place, &n}, func() error {
		group := Reported
		if patrol {
			group = Patrolled
		}
		add(shareKey{uint16(class), group, -1}, source, float64(n))
		if leaf, ok := w.d.LeafOf(place); ok {
			add(shareKey{uint16(class), group, leaf}, source, float64(n))
		}
		return nil
	})
	w.shares = s
	return ledger.Problem("sources", err)
}

// store keeps the scores as they are first shown under an input.
func (w *worker) store(ctx context.Context, p *Picture) error {
	for k, f := range p.fields {
		if _, err := w.l.pool.Exec(ctx, picturePutSQL, p.Input.ID, int16(k.class), int16(k.horizon), pack(f)); err != nil {
			return ledger.Problem("risk picture", err)
		}
	}
	return nil
}

// pack writes the terms of a field, by term and node.
func pack(f *field) []byte {
	var out bytes.Buffer
	z, err := flate.NewWriter(&out, flate.BestSpeed)
	if err != nil { // only of a level that there is not
		return nil
	}
	var b []byte
	for t := range f.terms {
		for _, v := range f.terms[t] {
			b = binary.AppendVarint(b, v)
		}
	}
	_, _ = z.Write(b) // into memory
	_ = z.Close()
	return out.Bytes()
}

// unpack reads the terms of so many nodes.
func unpack(b []byte, nodes int) (*field, error) {
	all, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(b)), int64(nodes+1)*termCount*binary.MaxVarintLen64))
	if err != nil {
		return nil, fmt.Errorf("unpack a risk picture: %w", err)
	}
	f := &field{total: make([]int64, nodes)}
	for t := range f.terms {
		f.terms[t] = make([]int64, nodes)
		for i := range f.terms[t] {
			v, n := binary.Varint(all)
			if n <= 0 {
				return nil, errors.New("unpack a risk picture: it is cut off")
			}
			all = all[n:]
			f.terms[t][i] = v
			f.total[i] += v
		}
	}
	return f, nil
}
