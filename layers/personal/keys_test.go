package personal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"onepicture/sql/sqltest"
)

func TestMain(m *testing.M) { sqltest.Main(m) }

func newKeys(t testing.TB) *Keys {
	t.Helper()
	k, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func seal(t testing.TB, k *Keys, c Column, id int64, text string) []byte {
	t.Helper()
	b, err := k.Sealer().Text(c, id, text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSealedValues(t *testing.T) {
	k := newKeys(t)
	one, two := seal(t, k, Name, 7, "王小明"), seal(t, k, Name, 7, "王小明")
	if bytes.Equal(one, two) {
		t.Error("equal values look equal when they are sealed")
	}
	if bytes.Contains(one, []byte("王")) || len(one) != len("王小明")+Overhead {
		t.Errorf("sealed: %x", one)
	}
	if back, err := k.Open(Name, 7, one); err != nil || back != "王小明" {
		t.Errorf("%q %v", back, err)
	}
	flipped := bytes.Clone(one)
	flipped[20] ^= 1
	for name, try := range map[string]func() (string, error){
		"another row":      func() (string, error) { return k.Open(Name, 8, one) },
		"another column":   func() (string, error) { return k.Open(Home, 7, one) },
		"another key":      func() (string, error) { return newKeys(t).Open(Name, 7, one) },
		"a changed bit":    func() (string, error) { return k.Open(Name, 7, flipped) },
		"a part":           func() (string, error) { return k.Open(Name, 7, one[:10]) },
		"what is unsealed": func() (string, error) { return k.Open(Name, 7, []byte("王小明")) },
		"nothing at all":   func() (string, error) { return k.Open(Name, 7, []byte{}) },
	} {
		if back, err := try(); !errors.Is(err, ErrSealed) || back != "" || strings.Contains(err.Error(), "王") {
			t.Errorf("%s: %q %v", name, back, err)
		}
	}
	if b := seal(t, k, Name, 7, ""); b != nil {
		t.Errorf("no value is sealed as %x", b)
	}
	if s, err := k.Open(Name, 7, nil); s != "" || err != nil {
		t.Errorf("%q %v", s, err)
	}
}

func TestRoundTrip(t *testing.T) {
	k := newKeys(t)
	rapid.Check(t, func(t *rapid.T) {
		s, id := rapid.StringN(1, 50, 200).Draw(t, "s"), rapid.Int64().Draw(t, "id")
		b, err := k.Sealer().Text(Home, id, s)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := k.Open(Home, id, b); err != nil || back != s {
			t.Fatalf("%q %v", back, err)
		}
	})
}

func TestIndexFindsEqualValuesOnly(t *testing.T) {
	k := newKeys(t)
	for _, c := range []struct {
		column Column
		a, b   string
		same   bool
	}{
		{Phone, "13800138000", "+86 138 0013 8000", true},
		{Phone, "13800138000", "０１３８", false},
		{Phone, "13800138000", "１３８００１３８０００", true},
		{Phone, "13800138000", "13800138001", false},
		{Phone, "8613800138000", "13800138000", true},
		{Phone, "86138001", "138001", false}, // no mobile number
		{IDNumber, "44190019900101123x", "44190019900101123X", true},
		{IDNumber, "441900 19900101 123X", "44190019900101123X", true},
		{IDNumber, "110105491231002", "11010519491231002X", true}, // the standard's own example
		{IDNumber, "441900199001011230", "44190019900101123X", false},
	} {
		if got := k.Index(c.column, c.a) == k.Index(c.column, c.b); got != c.same {
			t.Errorf("%s: %q and %q: equal %v", c.column, c.a, c.b, got)
		}
	}
	if k.Index(Phone, "123456789012345678") == k.Index(IDNumber, "123456789012345678") {
		t.Error("the index of a phone is that of a number")
	}
	if k.Index(Phone, "13800138000") == newKeys(t).Index(Phone, "13800138000") {
		t.Error("the index does not depend on the key")
	}
	if k.Index(Phone, " - ") != 0 || k.Index(IDNumber, "") != 0 || k.Index(Phone, "1") <= 0 {
		t.Error("no value has an index")
	}
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d", "keys.json")
	if _, err := Open(path); err == nil {
		t.Error("a file that is not there was opened")
	}
	if err := Create(path); err != nil {
		t.Fatal(err)
	}
	if err := Create(path); err == nil {
		t.Error("a key file was overwritten")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	k, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	other, err := Open(path) // another server's
	if err != nil {
		t.Fatal(err)
	}
	old, index, first := seal(t, k, Name, 1, "王小明"), k.Index(Phone, "13800138000"), k.Primary()
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	young := seal(t, k, Name, 1, "王小明")
	if k.Primary() == first || bytes.Equal(old[:5], young[:5]) {
		t.Error("the key is the same after it was rotated")
	}
	for _, sealed := range [][]byte{old, young} { // the other server finds the new key by itself
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if s, err := other.Open(Name, 1, sealed); err != nil || s != "王小明" {
					t.Errorf("%q %v", s, err)
				}
			})
		}
		wg.Wait()
	}
	if k.Index(Phone, "13800138000") != index || other.Index(Phone, "13800138000") != index {
		t.Error("the blind index changed with the key")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("after rotation: %v %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that others may read: %v", err)
	}
	for _, text := range []string{"", "{}", `{"secret":"c2VjcmV0"}`, "[", `{"keyset":{},"secret":"` + strings.Repeat("A", 43) + `="}`} {
		bad := filepath.Join(t.TempDir(), "k")
		if err := os.WriteFile(bad, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(bad); err == nil || strings.Contains(err.Error(), "AAA") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	s := newKeys(b).Sealer()
	value := []byte("441900199001011238")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Seal(IDNumber, 17, value); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIndex(b *testing.B) {
	k := newKeys(b)
	b.ReportAllocs()
	for b.Loop() {
		k.Index(Phone, "13800138000")
	}
}
