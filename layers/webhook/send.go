package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	outsSQL       = sql.Text("webhook/outs.sql")
	cursorSQL     = sql.Text("webhook/cursor.sql")
	moveCursorSQL = sql.Text("webhook/move_cursor.sql")
	queueSQL      = sql.Text("webhook/queue.sql")
	claimSQL      = sql.Text("webhook/claim.sql")
	settleSQL     = sql.Text("webhook/settle.sql")
	disableSQL    = sql.Text("webhook/disable.sql")
)

// pauses are those between tries, as Standard Webhooks recommends; after the last the message is dead.
var pauses = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

const (
	every       = time.Second
	changesRead = 500
	sendsAtOnce = 8
)

// Picture is what messages are made with.
type Picture interface {
	Catalogue() *layers.Catalogue
	Tree() *layers.Tree
}

// Run makes messages of the ledger and sends what is due, until ctx ends. Any number of servers may run it: each message is
// sent by one at a time, and at least once.
func (h *Hooks) Run(ctx context.Context, p Picture) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := errors.Join(h.Queue(ctx, p), h.Send(ctx)); err != nil && ctx.Err() == nil {
			slog.Error("webhooks do not go on; trying again", "error", err)
		}
	}
}

// Message is what other systems are told, in the form of Standard Webhooks. It holds no personal value.
type Message struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      Data      `json:"data"`
}

// Data is an event as it is after the change.
type Data struct {
	ID       int64   `json:"id"`
	Position string  `json:"position"`
	Status   string  `json:"status"`
	Level    uint8   `json:"level"`
	Category string  `json:"category"`
	Item     string  `json:"item,omitempty"`
	Place    string  `json:"place,omitempty"`
	Lon      float64 `json:"lon"`
	Lat      float64 `json:"lat"`
}

type destination struct {
	id    int
	types []string
	place string
}

// Queue turns what is new in the ledger into messages, in one transaction with the position that it has come to. While
// there is nothing to tell it only reads.
func (h *Hooks) Queue(ctx context.Context, p Picture) error {
	rows, err := h.pool.Query(ctx, outsSQL)
	if err != nil {
		return fmt.Errorf("read webhooks: %w", err)
	}
	outs, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (d destination, err error) {
		err = r.Scan(&d.id, &d.types, &d.place)
		return d, err
	})
	if err != nil || len(outs) == 0 {
		return err
	}
	var after int64
	if err := h.pool.QueryRow(ctx, cursorSQL).Scan(&after); err != nil {
		return fmt.Errorf("read the cursor: %w", err)
	}
	b, _, err := h.ledger.Since(ctx, layers.Position(after), changesRead)
	if err != nil || len(b.Changes) == 0 {
		return err
	}
	tx, err := h.pool.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after Commit it does nothing
	tag, err := tx.Exec(ctx, moveCursorSQL, b.Through.String(), after)
	if err != nil || tag.RowsAffected() == 0 { // another server was faster
		return err
	}
	for i := range b.Changes {
		if err := queue(ctx, tx, p, outs, &b.Changes[i], h.now()); err != nil {
			return err
		}
	}
	return tx.Commit(ctx)
}

func queue(ctx context.Context, tx pgx.Tx, p Picture, outs []destination, c *layers.Change, now time.Time) error {
	if c.Kind != layers.KindEvent || c.Op != layers.OpPut && c.Op != layers.OpDelete || c.Record == nil {
		return nil
	}
	m := message(c, p)
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write a message: %w", err)
	}
	for _, d := range outs {
		if !slices.Contains(d.types, m.Type) || !within(p.Tree(), c.Record.Place, d.place) {
			continue
		}
		if _, err := tx.Exec(ctx, queueSQL, d.id, c.Seq, body, now); err != nil {
			return fmt.Errorf("queue a message: %w", err)
		}
	}
	return nil
}

func within(t *layers.Tree, place layers.PlaceID, code string) bool {
	if code == "" {
		return true
	}
	return slices.ContainsFunc(t.Path(place), func(p *layers.Place) bool { return p.Code == code })
}

func message(c *layers.Change, p Picture) Message {
	m := Message{Type: "event.changed", Timestamp: c.At.UTC(), Data: Data{ID: c.FeatureID, Position: c.Position.String(), Level: c.Record.Level}}
	if int(c.Record.Status) < len(layers.Statuses) {
		m.Data.Status = layers.Statuses[c.Record.Status]
	}
	switch {
	case c.Old == nil:
		m.Type = "event.reported"
	case c.Record.Status == layers.StatusClose || c.Record.Status == layers.StatusVoid:
		m.Type = "event.closed"
	}
	if k := p.Catalogue().Class(layers.KindEvent, c.Record.Class); k != nil {
		m.Data.Category = k.Code
	}
	if it := p.Catalogue().Item(c.Record.Item); it != nil {
		m.Data.Item = it.Code
	}
	if place := p.Tree().Place(c.Record.Place); place != nil {
		m.Data.Place = place.Code
	}
	at := c.New
	if at == nil { // merged into another event
		at = c.Old
	}
	if at != nil {
		if at, ok := at.Geom.(orb.Point); ok {
			m.Data.Lon, m.Data.Lat = at[0], at[1]
		}
	}
	return m
}

// delivery is one message to one system.
type delivery struct {
	id, seq       int64
	body          []byte
	attempts, out int
	code, url     string
	secret        []byte
}

// Send tries what is due, a few at a time, and notes what became of it.
func (h *Hooks) Send(ctx context.Context) error {
	rows, err := h.pool.Query(ctx, claimSQL, h.now(), sendsAtOnce)
	if err != nil {
		return fmt.Errorf("claim messages: %w", err)
	}
	due, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (d delivery, err error) {
		err = r.Scan(&d.id, &d.seq, &d.body, &d.attempts, &d.out, &d.code, &d.url, &d.secret)
		return d, err
	})
	if err != nil {
		return fmt.Errorf("claim messages: %w", err)
	}
	done := make(chan error)
	for _, d := range due {
		go func() { done <- h.settle(ctx, d, h.try(ctx, d)) }()
	}
	for range due {
		err = errors.Join(err, <-done)
	}
	return err
}

// outcome is what became of a try.
type outcome struct {
	ok, gone bool
	words    string
}

func (h *Hooks) try(ctx context.Context, d delivery) outcome {
	if err := h.reachable(d.url); err != nil { // the administrator may have taken the host off
		return outcome{words: "the host is not allowed"}
	}
	secret, err := h.open(d.secret)
	if err != nil {
		return outcome{words: "the secret cannot be opened"}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, bytes.NewReader(d.body))
	if err != nil {
		return outcome{words: "the address is none"}
	}
	id, at := fmt.Sprintf("msg_%s_%d", d.code, d.seq), h.now()
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "onepicture")
	r.Header.Set(HeaderID, id)
	r.Header.Set(HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
	r.Header.Set(HeaderSignature, Sign(secret, id, at, d.body))
	answer, err := h.client.Do(r)
	if err != nil {
		return outcome{words: "no answer"}
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be used again
	return outcome{answer.StatusCode/100 == 2, answer.StatusCode == http.StatusGone, fmt.Sprintf("status %d", answer.StatusCode)}
}

func (h *Hooks) settle(ctx context.Context, d delivery, o outcome) error {
	ctx = context.WithoutCancel(ctx) // what was sent is noted
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	now := h.now()
	var next, done, dead *time.Time
	switch {
	case o.ok:
		done = &now
	case o.gone || d.attempts >= len(pauses):
		dead = &now
	default:
		at := now.Add(pauses[d.attempts])
		next = &at
	}
	if _, err := h.pool.Exec(ctx, settleSQL, d.id, d.attempts+1, next, done, dead, o.words); err != nil {
		return ledger.Problem("webhook", err)
	}
	if o.gone { // 410: it wants no more
		if _, err := h.pool.Exec(ctx, disableSQL, d.out); err != nil {
			return ledger.Problem("webhook", err)
		}
	}
	return nil
}
