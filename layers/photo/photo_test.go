package photo

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql/sqltest"
)

func TestMain(m *testing.M) { sqltest.Main(m) }

// flatland has one layer of each class.
type flatland struct{}

func (flatland) LayersOf(_ layers.Kind, r *layers.Record) uint64 { return 1 << r.Class }

// testAlbum has a folder and no database.
func testAlbum(t testing.TB) *Album {
	t.Helper()
	a, err := Open(Options{Dir: t.TempDir(), Reserve: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

// album is one over a city of two places with an event in each.
func album(t *testing.T) *Album {
	t.Helper()
	pool := sqltest.DB(t)
	if _, err := pool.Exec(t.Context(), `
		insert into source (id, code, name, kind) values (100, 'feed', 'feed', 'event');
		insert into class (kind, id, code, name) values ('event', 1, 'fire', 'f');
		insert into place (id, code, level, name, source_id) values (1, '998800000000', 1, 'c', 100), (2, '998801000000', 1, 'd', 100);
		insert into event (id, source_id, key, class, level, channel, title, reported_at, due_at, geom, place_id, hash) overriding system value values
			(1, 100, 'a', 1, 2, 1, '起火', '2026-05-04 12:00Z', '2026-05-05 12:00Z', st_setsrid(st_makepoint(113.6, 22.9), 4326), 1, ''),
			(2, 100, 'b', 1, 3, 2, '积水', '2026-05-04 13:00Z', null, st_setsrid(st_makepoint(113.7, 22.9), 4326), 2, '')`); err != nil {
		t.Fatal(err)
	}
	requests := sqltest.Requests(t, pool)
	a, err := Open(Options{Dir: t.TempDir(), Pool: requests, Owner: pool, Ledger: ledger.New(requests), Picture: flatland{}, Reserve: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func worker(name string) layers.Scope {
	s := layers.Loopback()
	s.Actor = name
	return s
}

func inPlace(p layers.PlaceID) layers.Scope {
	s := layers.Loopback()
	s.Event = layers.Sight{Counts: layers.Everywhere(), Records: layers.Reach{Places: layers.PlaceSet{1 << uint(p)}}}
	return s
}

func (a *Album) mustBegin(t *testing.T, scope layers.Scope, key string, size int) Upload {
	t.Helper()
	u, err := a.Begin(t.Context(), scope, Start{Key: key, Event: 1, Role: "report", Size: int64(size)})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (a *Album) count(t *testing.T, what string) (n int) {
	t.Helper()
	if err := a.Owner.QueryRow(t.Context(), "select count(*) from "+what).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (a *Album) files(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(a.Dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(a.Dir, p)
			found = append(found, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func encoded(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func encodedPNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// inverse lays a picture as a camera would store it that is held so.
func inverse(m *image.RGBA, o int) *image.RGBA {
	back := map[int]int{6: 8, 8: 6}
	if b, ok := back[o]; ok {
		return turn(m, b)
	}
	return turn(m, o)
}

// hue names the colour at a point.
func hue(m image.Image, x, y int) int {
	r, g, b, _ := m.At(x, y).RGBA()
	switch hi := uint32(0x9000); {
	case r > hi && g > hi && b > hi:
		return 'w'
	case r > hi && g < hi:
		return 'r'
	case g > hi && r < hi:
		return 'g'
	case b > hi && r < hi:
		return 'b'
	}
	return '?'
}

func TestPhotoComesInParts(t *testing.T) {
	a, me := album(t), worker("me")
	b := jpegFile(t, 2000, 1500)
	u := a.mustBegin(t, me, "k1", len(b))
	for u.Photo == nil {
		if again := a.mustBegin(t, me, "k1", len(b)); again.ID != u.ID || again.Offset != u.Offset {
			t.Fatalf("asked again it is %+v, was %+v", again, u)
		}
		end := min(int(u.Offset)+7001, len(b))
		// Half of the parts break off in the middle: what has come is kept.
		var body io.Reader = bytes.NewReader(b[u.Offset:end])
		broken := u.Offset%2 == 0 && end < len(b)
		if broken {
			body = io.MultiReader(io.LimitReader(body, 3333), iotest.ErrReader(io.ErrUnexpectedEOF))
		}
		next, err := a.Take(t.Context(), me, u.ID, u.Offset, body)
		if broken != errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
		if next.Offset <= u.Offset {
			t.Fatalf("nothing came: %+v", next)
		}
		u = next
	}
	p := u.Photo
	if p.Width != 1600 || p.Height != 1200 || p.Event != 1 || p.Role != "report" {
		t.Errorf("%+v", p)
	}
	if again := a.mustBegin(t, me, "k1", len(b)); again.Photo == nil || again.Photo.ID != p.ID {
		t.Errorf("asked again it is %+v", again)
	}
	if again, err := a.Take(t.Context(), me, u.ID, 0, bytes.NewReader(b)); err != nil || again.Photo == nil || again.Photo.ID != p.ID {
		t.Errorf("sent again it is %+v, %v", again, err)
	}
	list, err := a.Of(t.Context(), me, 1)
	if err != nil || len(list) != 1 || list[0].Hash != p.Hash {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, small := range []bool{true, false} {
		_, f, err := a.File(t.Context(), me, p.ID, small)
		if err != nil {
			t.Fatal(err)
		}
		m, err := jpeg.Decode(f)
		if err != nil || hue(m, 5, 5) != 'r' || m.Bounds().Dx() > 320 == small {
			t.Errorf("small %v: %v, %v", small, m.Bounds(), err)
		}
		_ = f.Close()
	}
	if files := a.files(t); len(files) != 2 {
		t.Errorf("in the folder lie %v", files)
	}
}

// The event's change makes every page look again; the index loses nothing by it.
func TestPhotoIsAChangeOfItsEvent(t *testing.T) {
	a, me := album(t), worker("me")
	b := jpegFile(t, 40, 30)
	u := a.mustBegin(t, me, "k", len(b))
	if u, err := a.Take(t.Context(), me, u.ID, 0, bytes.NewReader(b)); err != nil || u.Photo == nil {
		t.Fatal(err)
	}
	batch, _, err := ledger.New(a.Owner).Since(t.Context(), 0, 10)
	if err != nil || len(batch.Changes) != 1 {
		t.Fatalf("%d changes, %v", len(batch.Changes), err)
	}
	c := batch.Changes[0]
	r := c.Record
	if c.Actor != "me" || c.FeatureID != 1 || len(c.Fields) != 1 || c.Fields[0] != "photos" || r == nil || r.Class != 1 || r.Level != 2 ||
		r.Flags != 1 || r.Status != 1 || r.Place != 1 || r.Time != layers.Minutes(time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)) ||
		r.Due != r.Time+24*60 || c.New == nil || c.Old == nil || c.New.Layers != 2 {
		t.Errorf("%+v, %+v", c, r)
	}
	var position int64
	if err := a.Owner.QueryRow(t.Context(), "select position::text::int8 from event where id = 1").Scan(&position); err != nil || layers.Position(position) != c.Position {
		t.Errorf("the event stands at %d, its change at %d, %v", position, c.Position, err)
	}
}

// Many requests finish the same photo at once: one photo, one change.
func TestPhotoEndsOnce(t *testing.T) {
	a, me := album(t), worker("me")
	b := jpegFile(t, 40, 30)
	u := a.mustBegin(t, me, "k", len(b))
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			_, err := a.Take(t.Context(), me, u.ID, 0, bytes.NewReader(b))
			if code := layers.CodeOf(err); err != nil && code != layers.CodeConflict {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if again := a.mustBegin(t, me, "k", len(b)); again.Photo == nil {
		t.Fatalf("%+v", again)
	}
	if p, c := a.count(t, "photo"), a.count(t, "change"); p != 1 || c != 1 {
		t.Errorf("%d photos, %d changes", p, c)
	}
}

func TestScopeKeepsPhotos(t *testing.T) {
	a, me := album(t), worker("me")
	b := jpegFile(t, 40, 30)
	u := a.mustBegin(t, me, "k", len(b))
	done, err := a.Take(t.Context(), me, u.ID, 0, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	silent := inPlace(1)
	silent.Rights = 0
	for name, c := range map[string]struct {
		scope    layers.Scope
		see, add layers.Code
	}{
		"nobody":              {layers.Scope{}, layers.CodeNotFound, layers.CodeNotFound},
		"elsewhere":           {inPlace(2), layers.CodeNotFound, layers.CodeNotFound},
		"there":               {inPlace(1), "", ""},
		"there, only to look": {silent, "", layers.CodeForbidden},
	} {
		is := func(what string, err error, want layers.Code) {
			if (err == nil) != (want == "") || err != nil && layers.CodeOf(err) != want {
				t.Errorf("%s, %s: %v, want %q", name, what, err, want)
			}
		}
		_, err := a.Of(t.Context(), c.scope, 1)
		is("list", err, c.see)
		_, f, err := a.File(t.Context(), c.scope, done.Photo.ID, false)
		is("file", err, c.see)
		if f != nil {
			_ = f.Close()
		}
		_, err = a.Begin(t.Context(), c.scope, Start{Key: name, Event: 1, Role: "after", Size: 10})
		is("begin", err, c.add)
	}
	// Another account cannot go on with my upload, nor see how far it is.
	mine := a.mustBegin(t, me, "second", 500)
	if _, err := a.Take(t.Context(), worker("other"), mine.ID, 0, strings.NewReader("x")); layers.CodeOf(err) != layers.CodeNotFound {
		t.Errorf("another account: %v", err)
	}
	if theirs := a.mustBegin(t, worker("other"), "second", 500); theirs.ID == mine.ID {
		t.Error("two accounts share an upload")
	}
}

func TestBadUploadsLeaveNothing(t *testing.T) {
	a, me := album(t), worker("me")
	for _, c := range []struct {
		name  string
		start Start
		code  layers.Code
		field string
	}{
		{"100 MB", Start{Key: "k", Event: 1, Role: "report", Size: 100 << 20}, layers.CodeTooLarge, "size"},
		{"no size", Start{Key: "k", Event: 1, Role: "report"}, layers.CodeInvalid, "size"},
		{"no key", Start{Event: 1, Role: "report", Size: 1}, layers.CodeInvalid, "key"},
		{"endless key", Start{Key: strings.Repeat("k", MaxKey+1), Event: 1, Role: "report", Size: 1}, layers.CodeInvalid, "key"},
		{"unknown role", Start{Key: "k", Event: 1, Role: "../../etc", Size: 1}, layers.CodeInvalid, "role"},
		{"no such event", Start{Key: "k", Event: 99, Role: "report", Size: 1}, layers.CodeNotFound, ""},
	} {
		_, err := a.Begin(t.Context(), me, c.start)
		var e *layers.Error
		if !errors.As(err, &e) || e.Code != c.code || e.Field != c.field {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for name, key := range map[string]string{
		"path": "../../../../etc/passwd", "absolute path": "/etc/passwd", "NUL": "a\x00b", "folder": "parts/..",
	} {
		b := jpegFile(t, 20, 20)
		u := a.mustBegin(t, me, key, len(b))
		if u, err := a.Take(t.Context(), me, u.ID, 0, bytes.NewReader(b)); err != nil || u.Photo == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, id := range []string{"../parts/x", "..", "", "/etc/passwd", strings.Repeat("a", 32)} {
		if _, err := a.Take(t.Context(), me, id, 0, strings.NewReader("x")); layers.CodeOf(err) != layers.CodeNotFound {
			t.Errorf("upload %q: %v", id, err)
		}
	}
	before := a.count(t, "photo")
	for name, b := range map[string][]byte{
		"SVG": []byte("<svg><script>alert(1)</script></svg>"), "polyglot": append(jpegFile(t, 9, 9), "PK\x03\x04"...), "bomb": bomb(60_000, 60_000),
	} {
		u := a.mustBegin(t, me, name, len(b))
		if _, err := a.Take(t.Context(), me, u.ID, 0, bytes.NewReader(b)); layers.CodeOf(err) != layers.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	u := a.mustBegin(t, me, "longer", 10)
	if _, err := a.Take(t.Context(), me, u.ID, 0, strings.NewReader("more than ten bytes")); layers.CodeOf(err) != layers.CodeInvalid {
		t.Errorf("longer: %v", err)
	}
	u = a.mustBegin(t, me, "offset", 10)
	for _, offset := range []int64{1, 5, 1 << 40} {
		if _, err := a.Take(t.Context(), me, u.ID, offset, strings.NewReader("x")); layers.CodeOf(err) != layers.CodeConflict {
			t.Errorf("offset %d: %v", offset, err)
		}
	}
	if _, err := a.Begin(t.Context(), me, Start{Key: "offset", Event: 1, Role: "report", Size: 11}); layers.CodeOf(err) != layers.CodeInvalid {
		t.Errorf("one key for two photos: %v", err)
	}
	if n := a.count(t, "photo"); n != before {
		t.Errorf("%d photos became %d", before, n)
	}
	if n := a.count(t, "photo_upload where photo_id is null"); n != 1 {
		t.Errorf("%d uploads are left, want the one that may go on", n)
	}
	for _, f := range a.files(t) {
		if strings.HasPrefix(f, "..") || !strings.HasSuffix(f, ".jpg") && !strings.HasPrefix(f, partsDir) {
			t.Errorf("%s lies in the folder", f)
		}
	}
}

func TestLimitsOfNumber(t *testing.T) {
	a, me := album(t), worker("me")
	for i := range MaxOpen {
		a.mustBegin(t, me, fmt.Sprint(i), 100)
	}
	if _, err := a.Begin(t.Context(), me, Start{Key: "more", Event: 1, Role: "report", Size: 1}); layers.CodeOf(err) != layers.CodeTooMany {
		t.Errorf("an upload too many: %v", err)
	}
	if _, err := a.Owner.Exec(t.Context(), `insert into photo (event_id, role, hash, width, height, bytes, actor)
		select 1, 'report', decode(repeat('00', 32), 'hex'), 1, 1, 1, 'x' from generate_series(1, $1)`, MaxEvent); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Begin(t.Context(), worker("other"), Start{Key: "more", Event: 1, Role: "report", Size: 1}); layers.CodeOf(err) != layers.CodeInvalid {
		t.Errorf("a photo too many: %v", err)
	}
}

func TestFullDiskIsTold(t *testing.T) {
	a, me := album(t), worker("me")
	b := jpegFile(t, 20, 20)
	u := a.mustBegin(t, me, "k", len(b))
	a.Reserve = 1 << 62
	told := func(err error) {
		t.Helper()
		var e *layers.Error
		if !errors.As(err, &e) || e.Code != layers.CodeUnavailable || !strings.Contains(e.Message, "no space left") || e.RetryAfter < time.Minute {
			t.Errorf("%v", err)
		}
	}
	_, err := a.Begin(t.Context(), me, Start{Key: "other", Event: 1, Role: "report", Size: 5})
	told(err)
	_, err = a.Take(t.Context(), me, u.ID, 0, bytes.NewReader(b))
	told(err)
	told(spaceOr("write", &os.PathError{Op: "write", Err: syscall.ENOSPC}))
	a.Reserve = 1
	// The disk itself says no in the middle of a part.
	device, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	_, err = (&part{device, 0}).take(bytes.NewReader(b), int64(len(b)))
	told(err)
	// When there is space again, it goes on where it was.
	if u, err := a.Take(t.Context(), me, u.ID, 0, bytes.NewReader(b)); err != nil || u.Photo == nil {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestSweep(t *testing.T) {
	a, me := album(t), worker("me")
	sent := map[string]*Photo{}
	for i, key := range []string{"kept", "gone", "twin"} {
		b := jpegFile(t, 40+20*(i%2), 30) // "twin" is the same picture as "kept"
		u := a.mustBegin(t, me, key, len(b))
		u, err := a.Take(t.Context(), me, u.ID, 0, bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		sent[key] = u.Photo
	}
	if len(a.files(t)) != 4 {
		t.Fatalf("one picture lies there twice: %v", a.files(t))
	}
	old := a.mustBegin(t, me, "abandoned", 100)
	fresh := a.mustBegin(t, me, "fresh", 100)
	if _, err := a.Owner.Exec(t.Context(), `update photo_upload set created_at = now() - interval '8 days' where id = $1`, old.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Owner.Exec(t.Context(), `delete from photo where id = any($1)`, []int64{sent["gone"].ID, sent["twin"].ID}); err != nil {
		t.Fatal(err)
	}
	// Within the grace nothing of the stored goes: a row may be on its way.
	if n, err := a.Sweep(t.Context()); err != nil || n != 0 {
		t.Errorf("%d files went at once, %v", n, err)
	}
	a.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	if n, err := a.Sweep(t.Context()); err != nil || n != 2 {
		t.Errorf("%d files went, want the two of one picture, %v", n, err)
	}
	if _, f, err := a.File(t.Context(), me, sent["kept"].ID, false); err != nil {
		t.Error(err)
	} else {
		_ = f.Close()
	}
	left := a.files(t)
	if len(left) != 3 || !strings.Contains(strings.Join(left, " "), fresh.ID) || strings.Contains(strings.Join(left, " "), old.ID) {
		t.Errorf("left: %v", left)
	}
}
