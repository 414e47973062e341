// Package personal keeps what is personal of a person: names, identity numbers, phones and homes. They are sealed in
// their columns, found by a blind index, masked by default and shown in full only for a purpose that is recorded first.
package personal

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Column is a sealed column. Its name is bound into each value, so that none can be moved to another.
type Column string

// The sealed columns.
const (
	Name     Column = "person.name"
	IDNumber Column = "person.id_number"
	Phone    Column = "person.phone"
	Home     Column = "person.home"
	Address  Column = "address.text"
	Reporter Column = "event.reporter"
	check    Column = "key_check.sealed"
)

// Overhead is how many bytes a sealed value is longer than the value: key id 5, nonce 12, tag 16.
const Overhead = 5 + 12 + 16

// Keys seal and open personal values. They are safe for concurrent use.
type Keys struct {
	path  string // "": they are in no file
	now   atomic.Pointer[set]
	macs  map[string]*macs
	mu    sync.Mutex
	stamp time.Time // when the file was changed that was read last
}

// set is one state of the keys: rotation makes another.
type set struct {
	aead    tink.AEAD
	handle  *keyset.Handle
	primary uint32
}

// file is the key file's content.
type file struct {
	About  string          `json:"about"`
	Keyset json.RawMessage `json:"keyset"` // Tink's own form, in the clear
	Secret []byte          `json:"secret"` // 32 bytes, of which the keys for digests are made
}

const about = "Keys of onepicture's personal values. Who has this file and the database can read them; without it nobody can. Keep a copy elsewhere."

// New makes keys in memory.
func New() (*Keys, error) {
	f, err := fresh()
	if err != nil {
		return nil, err
	}
	k := &Keys{}
	return k, k.take(f)
}

func fresh() (*file, error) {
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	f := &file{About: about, Secret: make([]byte, 32)}
	if _, err := rand.Read(f.Secret); err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return f, f.put(h)
}

func (f *file) put(h *keyset.Handle) error {
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&b)); err != nil {
		return fmt.Errorf("write the keys: %w", err)
	}
	f.Keyset = b.Bytes()
	return nil
}

// Create makes a key file that only its owner may read. It never overwrites one.
func Create(path string) error {
	f, err := fresh()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make %s: %w", path, err)
	}
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("make %s: %w", path, err)
	}
	return f.write(out)
}

func (f *file) write(out *os.File) error {
	b, err := json.MarshalIndent(f, "", "  ")
	if err == nil {
		_, err = out.Write(append(b, '\n'))
	}
	if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
		return fmt.Errorf("write the keys: %w", err)
	}
	return nil
}

// Open reads a key file. One that others may read is refused.
func Open(path string) (*Keys, error) {
	k := &Keys{path: path}
	if err := k.load(); err != nil {
		return nil, err
	}
	return k, nil
}

func (k *Keys) load() error {
	f, at, err := read(k.path)
	if err != nil {
		return err
	}
	k.stamp = at
	return k.take(f)
}

func read(path string) (*file, time.Time, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("keys: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, time.Time{}, fmt.Errorf("keys: others may read %s; make it its owner's alone (chmod 600)", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("keys: %w", err)
	}
	f := &file{}
	if err := json.Unmarshal(b, f); err != nil || len(f.Secret) != 32 { // the error would quote the file
		return nil, time.Time{}, fmt.Errorf("keys: %s is not a key file", path)
	}
	return f, info.ModTime(), nil
}

func (k *Keys) take(f *file) error {
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(f.Keyset)))
	if err != nil {
		return errors.New("keys: the file is not a key file")
	}
	a, err := aead.New(h)
	if err != nil {
		return errors.New("keys: the file holds keys of another kind")
	}
	if k.macs == nil { // they stay when the keys are rotated
		k.macs = map[string]*macs{}
		for _, use := range []string{useIndex, useContent, useKey, useAudit, useTries, useCheck} {
			key, err := hkdf.Key(sha256.New, f.Secret, nil, "onepicture "+use, 32)
			if err != nil {
				return fmt.Errorf("keys: %w", err)
			}
			k.macs[use] = newMACs(key)
		}
	}
	k.now.Store(&set{a, h, h.KeysetInfo().GetPrimaryKeyId()})
	return nil
}

// Primary is the id of the key by which values are sealed now.
func (k *Keys) Primary() int64 { return int64(k.now.Load().primary) }

// Sealer seals by one key, whatever happens to the keys meanwhile.
func (k *Keys) Sealer() Sealer { return Sealer{k.now.Load()} }

// Sealer seals by one key.
type Sealer struct{ set *set }

// Key is the id of that key, kept beside each row.
func (s Sealer) Key() int64 { return int64(s.set.primary) }

// Seal makes a value unreadable and binds it to its column and row (AES-256-GCM, a random nonce each). nil stays nil.
// The result is Overhead bytes longer. About 0.6 µs.
func (s Sealer) Seal(c Column, id int64, value []byte) ([]byte, error) {
	if value == nil {
		return nil, nil
	}
	out, err := s.set.aead.Encrypt(value, bound(c, id))
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", c, err)
	}
	return out, nil
}

// Text seals a text; "" becomes nil.
func (s Sealer) Text(c Column, id int64, text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	return s.Seal(c, id, []byte(text))
}

// ErrSealed says that a value cannot be opened: another key, or not the value of this row and column.
var ErrSealed = errors.New("a sealed value cannot be opened: it is of another key, row or column")

// Open reads a sealed value. nil is "". When the key is not known, the key file is read again: another server may have
// rotated the keys.
func (k *Keys) Open(c Column, id int64, sealed []byte) (string, error) {
	if sealed == nil {
		return "", nil
	}
	tried := k.now.Load()
	out, err := tried.aead.Decrypt(sealed, bound(c, id))
	if err != nil {
		k.refresh()
		if now := k.now.Load(); now != tried { // by this caller or by another
			out, err = now.aead.Decrypt(sealed, bound(c, id))
		}
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", c, ErrSealed)
	}
	return string(out), nil
}

// refresh reads the file anew when it was changed. One that cannot be read changes nothing: the keys that are there
// stay good.
func (k *Keys) refresh() {
	if k.path == "" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	info, err := os.Stat(k.path)
	if err == nil && !info.ModTime().Equal(k.stamp) {
		_ = k.load()
	}
}

// Rotate adds a key, by which everything is sealed from now on, and writes the file. Older keys stay in it: backups and
// rows that are not sealed anew yet need them.
func (k *Keys) Rotate() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	m := keyset.NewManagerFromHandle(k.now.Load().handle)
	id, err := m.Add(aead.AES256GCMKeyTemplate())
	if err == nil {
		err = m.SetPrimary(id)
	}
	if err != nil {
		return fmt.Errorf("rotate the keys: %w", err)
	}
	h, err := m.Handle()
	if err != nil {
		return fmt.Errorf("rotate the keys: %w", err)
	}
	if k.path == "" {
		f := &file{}
		if err := f.put(h); err != nil {
			return err
		}
		return k.take(f)
	}
	f, _, err := read(k.path)
	if err != nil {
		return err
	}
	if err := f.put(h); err != nil {
		return err
	}
	if err := f.replace(k.path); err != nil {
		return err
	}
	return k.load()
}

// replace writes the file beside the old one and takes its place: there is no moment without a whole key file.
func (f *file) replace(path string) error {
	out, err := os.CreateTemp(filepath.Dir(path), ".keys-*") // 0600 by itself
	if err != nil {
		return fmt.Errorf("write the keys: %w", err)
	}
	if err := f.write(out); err != nil {
		return errors.Join(err, os.Remove(out.Name()))
	}
	if err := os.Rename(out.Name(), path); err != nil {
		return fmt.Errorf("write the keys: %w", err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("write the keys: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("write the keys: %w", err)
	}
	return nil
}

// Exists tells whether there is a key file.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// bound is the associated data of a value: its column and row.
func bound(c Column, id int64) []byte {
	b := make([]byte, 0, 40)
	b = append(b, c...)
	b = append(b, 0)
	return binary.BigEndian.AppendUint64(b, uint64(id))
}

// What the secret's keys are for.
const (
	useIndex   = "blind index"
	useContent = "row content"
	useKey     = "row key"
	useAudit   = "audit heads"
	useTries   = "sign-in tries"
	useCheck   = "check"
)

// macs are HMAC-SHA-256 under one key, made once and used again.
type macs struct {
	key  []byte
	pool sync.Pool
}

func newMACs(key []byte) *macs {
	m := &macs{key: key}
	m.pool.New = func() any { return hmac.New(sha256.New, key) }
	return m
}

func (m *macs) sum(parts ...[]byte) (out [32]byte) {
	h := m.pool.Get().(hash.Hash)
	h.Reset()
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(out[:0])
	m.pool.Put(h)
	return out
}
