package photo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
	"unicode/utf8"

	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	beginSQL  = sql.Text("photo/begin.sql")
	countsSQL = sql.Text("photo/counts.sql")
	uploadSQL = sql.Text("photo/upload.sql")
	insertSQL = sql.Text("photo/insert.sql")
	touchSQL  = sql.Text("photo/touch.sql")
	sharedSQL = sql.Text("photo/lock_shared.sql")
	forgetSQL = sql.Text("photo/forget.sql")
)

// Upload is a photo on its way.
type Upload struct {
	ID     string // for its parts
	Size   int64
	Offset int64  // how many bytes have come
	Photo  *Photo // what it became; nil while it is on its way
}

// Start is what a phone says of a photo that it will send.
type Start struct {
	Key     string // the phone's own; the same key is the same upload
	Event   int64
	Role    string
	Size    int64
	TakenAt *time.Time
}

// Begin begins an upload, or tells how far one of the same key has come: to be asked before sending and after every
// interruption.
func (a *Album) Begin(ctx context.Context, scope layers.Scope, s Start) (Upload, error) {
	if err := s.check(); err != nil {
		return Upload{}, err
	}
	if err := a.may(ctx, scope, s.Event); err != nil {
		return Upload{}, err
	}
	id := uploadID(scope.Actor, s.Key)
	row, err := a.find(ctx, scope, id)
	if layers.CodeOf(err) == layers.CodeNotFound {
		if err := a.within(ctx, scope, s); err != nil {
			return Upload{}, err
		}
		rows, err := a.Ledger.Beside(scope).Query(ctx, beginSQL, id, scope.Actor, s.Event, s.Role, s.Size, s.TakenAt)
		if err == nil {
			rows.Close()
			err = rows.Err()
		}
		if err != nil {
			return Upload{}, ledger.Problem("photo", err)
		}
		if row, err = a.find(ctx, scope, id); err != nil {
			return Upload{}, err
		}
	} else if err != nil {
		return Upload{}, err
	}
	if row.event != s.Event || row.Size != s.Size || row.role != s.Role {
		return Upload{}, layers.Invalid("key", "was used for another photo")
	}
	if row.Photo != nil {
		return row.Upload, nil
	}
	p, err := a.folder.openPart(id)
	if err != nil {
		return Upload{}, err
	}
	row.Offset = p.size
	return row.Upload, p.Close()
}

func (s Start) check() error {
	switch {
	case s.Key == "" || !utf8.ValidString(s.Key) || utf8.RuneCountInString(s.Key) > MaxKey:
		return layers.Invalid("key", "must be 1 to %d characters", MaxKey)
	case !knownRole(s.Role):
		return layers.Invalid("role", "must be report, before or after")
	case s.Size <= 0:
		return layers.Invalid("size", "must be the number of bytes")
	case s.Size > MaxBytes:
		return &layers.Error{Code: layers.CodeTooLarge, Message: "a photo may have at most 20 MB; let the phone take it smaller", Field: "size"}
	}
	return nil
}

// may refuses who may not add photos to an event. Who reports may, and who handles may.
func (a *Album) may(ctx context.Context, scope layers.Scope, event int64) error {
	if err := a.sees(ctx, scope, event); err != nil {
		return err
	}
	if scope.Rights&(layers.RightReport|layers.RightHandle) == 0 {
		return layers.Forbidden("you may not add photos to events")
	}
	return nil
}

// within refuses what would be too many.
func (a *Album) within(ctx context.Context, scope layers.Scope, s Start) error {
	var photos, open int
	if err := a.reads(scope).QueryRow(ctx, countsSQL, s.Event, scope.Actor).Scan(&photos, &open); err != nil {
		return ledger.Problem("photo", err)
	}
	switch {
	case photos >= MaxEvent:
		return layers.Invalid("photo", "is one too many: an event has at most %d", MaxEvent)
	case open >= MaxOpen:
		return layers.TooMany(time.Minute, "many of your photos are still on their way; those first")
	}
	return a.folder.room(a.Reserve, uint64(s.Size))
}

// uploadID keeps one account's keys apart from another's, and is a safe name of a file whatever the key holds.
func uploadID(actor, key string) string {
	sum := sha256.Sum256([]byte(actor + "\x00" + key))
	return hex.EncodeToString(sum[:16])
}

// row is an upload as the database knows it.
type row struct {
	Upload
	event   int64
	role    string
	takenAt *time.Time
}

func (a *Album) find(ctx context.Context, scope layers.Scope, id string) (row, error) {
	r := row{Upload: Upload{ID: id}}
	var photo *int64
	err := a.reads(scope).QueryRow(ctx, uploadSQL, id, scope.Actor).Scan(&r.event, &r.role, &r.Size, &r.takenAt, &photo)
	if err != nil {
		return r, ledger.Problem("upload", err)
	}
	if photo == nil {
		return r, nil
	}
	r.Offset = r.Size
	p, err := a.one(ctx, scope, *photo)
	r.Photo = &p
	return r, err
}

// Take adds a part at an offset. What has come before a connection breaks is kept. With the last byte the photo is
// checked, drawn anew, stored and shown; a file that is refused is forgotten at once.
func (a *Album) Take(ctx context.Context, scope layers.Scope, id string, offset int64, body io.Reader) (Upload, error) {
	r, err := a.find(ctx, scope, id)
	if err != nil || r.Photo != nil {
		return r.Upload, err
	}
	if err := a.may(ctx, scope, r.event); err != nil {
		return r.Upload, err
	}
	p, err := a.folder.openPart(id)
	if err != nil {
		return r.Upload, err
	}
	defer p.Close()
	r.Offset = p.size
	if offset != p.size {
		return r.Upload, &layers.Error{Code: layers.CodeConflict, Message: "the photo goes on at another byte; ask for it again", Field: "offset"}
	}
	if err := a.folder.room(a.Reserve, 0); err != nil {
		return r.Upload, err
	}
	_, err = p.take(body, r.Size-p.size)
	if r.Offset = p.size; err != nil {
		return r.Upload, err
	}
	if n, _ := body.Read(make([]byte, 1)); n > 0 {
		return r.Upload, errors.Join(layers.Invalid("photo", "is longer than was said"), a.forget(ctx, scope, id))
	}
	if p.size < r.Size {
		return r.Upload, nil
	}
	if err := a.finish(ctx, scope, &r, p); err != nil {
		if layers.CodeOf(err) == layers.CodeInvalid {
			err = errors.Join(err, a.forget(ctx, scope, id))
		}
		return r.Upload, err
	}
	if err := a.folder.removePart(id); err != nil {
		slog.WarnContext(ctx, "a part file stays until the sweeper comes", "error", err)
	}
	return r.Upload, nil
}

// forget ends an upload that will never be a photo.
func (a *Album) forget(ctx context.Context, scope layers.Scope, id string) error {
	rows, err := a.Ledger.Beside(scope).Query(ctx, forgetSQL, id)
	if err == nil {
		rows.Close()
		err = rows.Err()
	}
	if err != nil {
		return ledger.Problem("upload", err)
	}
	return a.folder.removePart(id)
}

// finish makes a photo of a whole file, once.
func (a *Album) finish(ctx context.Context, scope layers.Scope, r *row, p *part) error {
	b := make([]byte, r.Size)
	if _, err := p.ReadAt(b, 0); err != nil {
		return fmt.Errorf("read the upload: %w", err)
	}
	drawn, err := a.render(ctx, b)
	if err != nil {
		return err
	}
	photo := Photo{
		Event: r.event, Role: r.role, Hash: sha256.Sum256(drawn.large), Width: drawn.width, Height: drawn.height,
		Bytes: len(drawn.large), TakenAt: r.takenAt,
	}
	act := ledger.Act{Actor: scope.Actor, Reason: "photo", ClientKey: "photo:" + r.ID, Scope: &scope}
	receipt, err := a.Ledger.Write(ctx, act, func(tx *ledger.Tx) error { return a.insert(ctx, tx, scope, r.ID, &photo, drawn) })
	if err != nil {
		return ledger.Problem("photo", err)
	}
	if receipt.Replayed {
		again, err := a.find(ctx, scope, r.ID)
		r.Photo = again.Photo
		return err
	}
	r.Photo = &photo
	return nil
}

func (a *Album) insert(ctx context.Context, tx *ledger.Tx, scope layers.Scope, upload string, p *Photo, drawn rendered) error {
	// Shared with other photos, not with the sweeper: it must not take a file away before its row can be seen.
	if _, err := tx.Exec(ctx, sharedSQL); err != nil {
		return fmt.Errorf("lock out the sweeper: %w", err)
	}
	now := a.Now()
	if err := a.folder.put(name(p.Hash, false), drawn.large, now); err != nil {
		return err
	}
	if err := a.folder.put(name(p.Hash, true), drawn.small, now); err != nil {
		return err
	}
	var e layers.Record
	var class, item, level, status, channel int16
	var reported time.Time
	var due, closed *time.Time
	var late bool
	var at orb.Point
	err := tx.QueryRow(ctx, touchSQL, p.Event).Scan(&e.ID, &class, &item, &level, &status, &channel, &reported, &due, &closed, &late, &at, &e.Place, &e.Department)
	if err != nil {
		return fmt.Errorf("touch the event: %w", err)
	}
	e.Key, e.Class, e.Item = geo.KeyOf(at[0], at[1]), uint16(class), uint16(item)
	e.Level, e.Status, e.Flags, e.Time = uint8(level), uint8(status), uint32(channel), layers.Minutes(reported)
	if due != nil {
		e.Due = layers.Minutes(*due)
	}
	if closed != nil {
		e.Closed = layers.Minutes(*closed)
	}
	if late {
		e.Flags |= layers.FlagLate
	}
	if err := tx.QueryRow(ctx, insertSQL, p.Event, p.Role, p.Hash[:], p.Width, p.Height, p.Bytes, p.TakenAt, scope.Actor, upload).
		Scan(&p.ID, &p.AddedAt); err != nil {
		return fmt.Errorf("insert photo: %w", err)
	}
	here := layers.Location{Geom: at, Place: e.Place, Department: e.Department, Layers: a.Picture.LayersOf(layers.KindEvent, &e)}
	tx.Record(layers.Change{
		Kind: layers.KindEvent, Op: layers.OpPut, FeatureID: e.ID, Record: &e, Old: &here, New: &here, Fields: []string{"photos"},
	})
	return nil
}
