package audit

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// Anchors is a file outside the database with heads of the chain, one a line, each with its HMAC-SHA-256 under a key
// that the database does not hold. Who rewrites the whole chain, or cuts its end off, does not fit it any more. A nil
// Anchors keeps nothing.
type Anchors struct {
	path string
	key  []byte
	file *os.File
	last int64     // the head of the last line
	at   time.Time // when it was written
	said bool      // that it cannot be written
}

// Heads are kept once a second while the chain grows, and once an hour when they are older than a day.
const (
	anchorEvery = time.Second
	anchorWhole = 24 * time.Hour
	anchorThin  = time.Hour
)

// OpenAnchors opens the file, or makes it, and thins what is old. One server writes a file.
func OpenAnchors(path string, key []byte) (*Anchors, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("heads of the audit: %w", err)
	}
	heads, err := ReadAnchors(path, key)
	if err != nil {
		return nil, err
	}
	a := &Anchors{path: path, key: key}
	if kept := thin(heads, time.Now()); len(kept) < len(heads) {
		if err := a.replace(kept); err != nil {
			return nil, fmt.Errorf("thin the heads of the audit: %w", err)
		}
	}
	if a.file, err = os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return nil, fmt.Errorf("heads of the audit: %w", err)
	}
	return a, nil
}

// Close ends the writing.
func (a *Anchors) Close() error {
	if a == nil {
		return nil
	}
	return errors.Join(a.file.Sync(), a.file.Close())
}

// put adds a head when it is new and the last one is a second old, or when it must be written now.
func (a *Anchors) put(h Head, now bool) {
	if a == nil || h.Seq == a.last || !now && time.Since(a.at) < anchorEvery {
		return
	}
	if _, err := a.file.WriteString(a.line(h)); err != nil {
		if !a.said {
			slog.Error("the heads of the audit cannot be kept", "error", err)
		}
		a.said = true
		return
	}
	a.last, a.at, a.said = h.Seq, time.Now(), false
}

func (a *Anchors) line(h Head) string { return fmt.Sprintf("%s %s\n", plain(h), mac(a.key, h)) }

func plain(h Head) string {
	return fmt.Sprintf("%d %s %s", h.Seq, h.At.UTC().Format(time.RFC3339Nano), hex.EncodeToString(h.Hash[:]))
}

func mac(key []byte, h Head) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(plain(h)))
	return hex.EncodeToString(m.Sum(nil))
}

// replace writes the whole file anew, beside the old one, and takes its place.
func (a *Anchors) replace(heads []Head) error {
	f, err := os.CreateTemp(filepath.Dir(a.path), ".heads-*")
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	for _, h := range heads {
		_, _ = w.WriteString(a.line(h)) // Flush tells of a failure
	}
	if err := errors.Join(w.Flush(), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), a.path)
}

// thin leaves one head an hour of those older than a day, always the last of an hour.
func thin(heads []Head, now time.Time) []Head {
	var out []Head
	for _, h := range heads {
		n := len(out)
		if n > 0 && now.Sub(h.At) > anchorWhole && out[n-1].At.Truncate(anchorThin).Equal(h.At.Truncate(anchorThin)) {
			out[n-1] = h
		} else {
			out = append(out, h)
		}
	}
	return out
}

// ReadAnchors reads the heads of a file; none when there is no file. A line that was changed or made without the key is
// an error that tells its number; the last line may be incomplete, as a killed machine leaves it.
func ReadAnchors(path string, key []byte) ([]Head, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("heads of the audit: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	var out []Head
	bad := 0
	in := bufio.NewScanner(f)
	n := 0
	for in.Scan() {
		n++
		if bad > 0 {
			break
		}
		h, ok := parseHead(in.Text(), key)
		if !ok {
			bad = n
			continue
		}
		out = append(out, h)
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("heads of the audit: %w", err)
	}
	if bad > 0 && n > bad {
		return out, fmt.Errorf("heads of the audit: line %d of %s was changed, or written under another key", bad, path)
	}
	return out, nil
}

func parseHead(line string, key []byte) (h Head, ok bool) {
	var at, hash, sum string
	if n, err := fmt.Sscanf(line, "%d %s %s %s", &h.Seq, &at, &hash, &sum); n != 4 || err != nil {
		return Head{}, false
	}
	when, err := time.Parse(time.RFC3339Nano, at)
	b, err2 := hex.DecodeString(hash)
	if err != nil || err2 != nil || len(b) != 32 {
		return Head{}, false
	}
	h.At = when.UTC()
	copy(h.Hash[:], b)
	return h, hmac.Equal([]byte(sum), []byte(mac(key, h)))
}
