// Package photo keeps the pictures of events. It takes them in parts that resume, believes nothing that a file says of
// itself, draws every picture anew without what came with it (place, camera, hidden files), and keeps the result outside
// the database in a folder of files named by their digest.
package photo

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/semaphore"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/layers/scoped"
	"onepicture/sql"
)

var (
	listSQL  = sql.Text("photo/list.sql")
	oneSQL   = sql.Text("photo/one.sql")
	placeSQL = sql.Text("photo/place.sql")
)

// Limits of what is taken.
const (
	MaxBytes  = 20 << 20 // of a file as the phone sends it
	MaxPart   = 1 << 20  // of one part
	MaxEvent  = 30       // photos of one event
	MaxOpen   = 20       // unfinished uploads of one account
	MaxKey    = 100      // characters of a client key
	MaxPixels = 40_000_000
	MaxSide   = 16_384

	maxMemory = 384 << 20 // bytes to open one picture
	memory    = 512 << 20 // bytes for all that are opened at a time
)

// Sides of the stored pictures in pixels, and the quality of their JPEG.
const (
	Large   = 1600
	Small   = 320
	quality = 82
)

// Roles are what a photo shows.
var Roles = []string{"report", "before", "after"}

// Photo is a stored picture of an event.
type Photo struct {
	ID            int64
	Event         int64
	Role          string
	Hash          [32]byte // of the large picture
	Width, Height int      // of the large picture
	Bytes         int
	TakenAt       *time.Time // as the phone says; nil: it does not
	AddedAt       time.Time
}

// Picture is what photo asks of the city.
type Picture interface {
	// LayersOf are the bits of the thematic layers that the record belongs to.
	LayersOf(k layers.Kind, r *layers.Record) uint64
}

// Options are what an album is made of.
type Options struct {
	Dir     string         // the folder; servers of one database share it
	Pool    *pgxpool.Pool  // of requests
	Owner   *pgxpool.Pool  // of the sweeper, which sees all
	Ledger  *ledger.Ledger // of requests
	Picture Picture
	// Reserve is how many bytes of the disk photos leave free: PostgreSQL may live on the same one. 0: 512 MiB.
	Reserve uint64
	Now     func() time.Time // nil: time.Now
}

// Album is all photos of one database. Its methods are safe for concurrent use.
type Album struct {
	Options
	folder *folder
	opened *semaphore.Weighted
}

// Open makes the folder where it is missing. Close ends it.
func Open(o Options) (*Album, error) {
	if o.Reserve == 0 {
		o.Reserve = 512 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	f, err := openFolder(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the folder of photos: %w", err)
	}
	return &Album{Options: o, folder: f, opened: semaphore.NewWeighted(memory)}, nil
}

// Close lets go of the folder.
func (a *Album) Close() error { return a.folder.root.Close() }

// Of lists the photos of an event, oldest first; not found when the event is outside the scope.
func (a *Album) Of(ctx context.Context, scope layers.Scope, event int64) ([]Photo, error) {
	if err := a.sees(ctx, scope, event); err != nil {
		return nil, err
	}
	rows, err := a.reads(scope).Query(ctx, listSQL, event)
	if err != nil {
		return nil, ledger.Problem("photos", err)
	}
	list, err := pgx.CollectRows(rows, scanPhoto)
	return list, ledger.Problem("photos", err)
}

// File opens a photo's file, large or small; not found when its event is outside the scope. The caller closes it.
func (a *Album) File(ctx context.Context, scope layers.Scope, id int64, small bool) (Photo, *os.File, error) {
	p, err := a.one(ctx, scope, id)
	if err != nil {
		return Photo{}, nil, err
	}
	if err := a.sees(ctx, scope, p.Event); err != nil {
		return Photo{}, nil, layers.NotFound("photo")
	}
	f, err := a.folder.root.Open(name(p.Hash, small))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return Photo{}, nil, layers.NotFound("photo")
	case err != nil:
		return Photo{}, nil, &layers.Error{Code: layers.CodeInternal, Message: "the photo cannot be read", Cause: err}
	}
	return p, f, nil
}

func (a *Album) one(ctx context.Context, scope layers.Scope, id int64) (Photo, error) {
	rows, err := a.reads(scope).Query(ctx, oneSQL, id)
	if err != nil {
		return Photo{}, ledger.Problem("photo", err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, scanPhoto)
	return p, ledger.Problem("photo", err)
}

func (a *Album) reads(scope layers.Scope) scoped.Reader { return scoped.On(a.Pool, scope) }

// sees refuses events of which the scope sees no records.
func (a *Album) sees(ctx context.Context, scope layers.Scope, event int64) error {
	var place layers.PlaceID
	var department int16
	if err := a.reads(scope).QueryRow(ctx, placeSQL, event).Scan(&place, &department); err != nil {
		return ledger.Problem("event", err)
	}
	if !scope.Records(layers.KindEvent, place, department) {
		return layers.NotFound("event")
	}
	return nil
}

func scanPhoto(r pgx.CollectableRow) (Photo, error) {
	var p Photo
	var hash []byte
	err := r.Scan(&p.ID, &p.Event, &p.Role, &hash, &p.Width, &p.Height, &p.Bytes, &p.TakenAt, &p.AddedAt)
	copy(p.Hash[:], hash)
	return p, err
}

func knownRole(role string) bool { return slices.Contains(Roles, role) }

// name is where a stored picture lies in the folder: spread over 256 folders by the digest's first byte.
func name(hash [32]byte, small bool) string {
	h := hex.EncodeToString(hash[:])
	if small {
		return h[:2] + "/" + h + "-s.jpg"
	}
	return h[:2] + "/" + h + ".jpg"
}
