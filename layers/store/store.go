// Package store finds places, layers, people, sites and events in PostGIS under a scope, and feeds the index.
package store

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/index"
	"onepicture/layers/ledger"
)

// Store reads from one database and keeps in memory what is small and read by everything: the catalogue, the tree of
// places, the deployment. It is safe for concurrent use.
type Store struct {
	pool   *pgxpool.Pool // of the feed: a load takes as long as it takes
	reads  *pgxpool.Pool // of requests
	ledger *ledger.Ledger
	index  *index.Index
	world  atomic.Pointer[World]
	feed   feedState
}

// New is a store that will feed the given index; Run makes both useful.
func New(pool *pgxpool.Pool, l *ledger.Ledger, x *index.Index) *Store {
	return &Store{pool: pool, reads: pool, ledger: l, index: x}
}

// ReadThrough answers requests over a pool of their own, so that neither they nor the feed wait for the other's
// connections, and each has its own time-outs. Call it before the first request.
func (s *Store) ReadThrough(pool *pgxpool.Pool) { s.reads = pool }

// World is the configured and slowly changing part of the picture at one moment. It is immutable.
type World struct {
	Deployment Deployment
	Catalogue  *layers.Catalogue
	Tree       *layers.Tree
	Areas      *geo.Areas // finds the place of a location
	Sources    map[int32]Source
	Bits       index.Bits // which records belong to which layers, on the present day
}

// World is the current one; nil until Run has read it.
func (s *Store) World() *World { return s.world.Load() }

// queryer is a pool or a transaction.
type queryer interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Deployment is the row that names this installation.
type Deployment struct {
	Name, NameEn string
	Zone         *time.Location
	Synthetic    bool
}

// Today is the civil date in the deployment's zone.
func (d Deployment) Today(now time.Time) time.Time {
	y, m, day := now.In(d.Zone).Date()
	return time.Date(y, m, day, 0, 0, 0, 0, d.Zone)
}

// Source is a feed with what it promised and when it last delivered.
type Source struct {
	ID           int32
	Code         string
	Name, NameEn string
	DepartmentID int16
	Kind         string
	Cadence      time.Duration // 0: none promised
	LastAt       *time.Time
	Synthetic    bool
}

// Late tells that the source delivered later than it promised; a source that promised nothing is never late.
func (s Source) Late(now time.Time) bool {
	return s.Cadence > 0 && (s.LastAt == nil || now.Sub(*s.LastAt) > s.Cadence)
}
