package audit

import (
	"context"
	"io"
	"log/slog"
)

// Note records deeds without waiting until they are written: for what shows nothing personal and what another record
// holds too, as the ledger holds every change. When too many wait, it is told in the server's log and left out.
func (l *Log) Note(entries ...Entry) {
	j := &job{entries: make([]Entry, len(entries)), done: make(chan error, 1)}
	for i, e := range entries {
		j.entries[i] = e.bounded()
	}
	select {
	case l.jobs <- j:
	default:
		slog.Error("the audit is behind; deeds are left out", "deeds", len(entries))
	}
}

// Find gives the rows that the query chooses, newest first.
func (l *Log) Find(ctx context.Context, q Query) ([]Row, error) { return Find(ctx, l.pool, q) }

// WriteCSV writes the rows of a time, as the function of that name does.
func (l *Log) WriteCSV(ctx context.Context, s Span, to io.Writer) (int64, error) {
	return WriteCSV(ctx, l.pool, s, to)
}

// Verify verifies the whole chain, as the function of that name does, against the heads outside that this server keeps.
func (l *Log) Verify(ctx context.Context) (*Report, error) {
	heads, err := l.anchors.heads()
	if err != nil {
		return nil, err
	}
	return Verify(ctx, l.pool, heads, nil)
}

func (a *Anchors) heads() ([]Head, error) {
	if a == nil {
		return nil, nil
	}
	return ReadAnchors(a.path, a.key)
}
