package account

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStretch(t *testing.T) {
	h := newHasher(cheap, 2)
	text, err := h.stretch(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.stretch(t.Context(), secret)
	if err != nil || again == text {
		t.Errorf("the same salt twice: %v", err)
	}
	dear := newHasher(Cost{MemoryKiB: 128, Passes: 2, Threads: 1}, 2)
	for _, c := range []struct {
		what, stored, password string
		by                     *hasher
		ok, old                bool
	}{
		{"right", text, secret, h, true, false},
		{"wrong", text, secret + " ", h, false, false},
		{"empty", text, "", h, false, false},
		{"at another cost", text, secret, dear, true, true},
		{"nothing stored", "", secret, h, false, false},
		{"the dummy's own text", h.dummy.String(), secret, h, false, false},
		{"nonsense stored", "$argon2id$v=19$m=64", secret, h, false, false},
		{"another scheme", strings.Replace(text, "argon2id", "argon2i", 1), secret, h, false, false},
		{"a cost that would stop the server", strings.Replace(text, "m=64", "m=4294967295", 1), secret, h, false, false},
	} {
		ok, old, err := c.by.verify(t.Context(), fast, c.stored, c.password)
		if err != nil || ok != c.ok || ok && old != c.old {
			t.Errorf("%s: %v, old %v, %v", c.what, ok, old, err)
		}
	}
	// The reference: RFC 9106's Argon2id at the usual parameters, made by the reference program (argon2 somesalt -id).
	const reference = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	if ok, _, err := h.verify(t.Context(), fast, reference, "password"); !ok || err != nil {
		t.Errorf("the reference's hash is not recognised: %v", err)
	}
}

func TestFit(t *testing.T) {
	if list := breached(); !slices.IsSorted(list) || len(list) < 3000 {
		t.Fatalf("%d passwords, sorted %v", len(list), slices.IsSorted(list))
	}
	for _, c := range []struct {
		password string
		fits     bool
	}{
		{secret, true}, {"望江边上有三棵大榕树长得很高", true}, {"kZ8-qh3-vv", true}, {"correct horse battery staple", true},
		{"short", false}, {"Password2026!", false}, {"iloveyou2024", false}, {"1234567890", false}, {"9876543210", false}, {"abcdefghijkl", false},
		{"aaaaaaaaaaaa", false}, {"abababababab", false}, {"1qaz2wsx3edc", false}, {"woaini5201314", false}, {"my-li-password", false},
		{"OnePicture99", false}, {strings.Repeat("x7", 200), false}, {"not utf-8 \xff\xfe", false},
	} {
		if err := fit(c.password, "li"); (err == nil) != c.fits {
			t.Errorf("%q: %v", c.password, err)
		} else if err != nil && strings.Contains(err.Error(), c.password) {
			t.Errorf("the refusal quotes the password: %v", err)
		}
	}
}

func FuzzParseStretched(f *testing.F) {
	f.Add("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")
	f.Add("$argon2id$v=19$m=256,t=2,p=1$$")
	f.Add("$$$$$")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseStretched(text)
		if err != nil {
			return
		}
		if again := s.String(); again != text {
			t.Errorf("%q is written as %q", text, again)
		}
		if s.cost.MemoryKiB > 1<<20 || s.cost.Passes > 64 || s.cost.Threads > 16 || s.cost.Threads == 0 {
			t.Errorf("it would cost %+v", s.cost)
		}
	})
}

func FuzzDigestOf(f *testing.F) {
	token, _ := newToken()
	f.Add(string(token))
	f.Add("")
	f.Add(strings.Repeat("_", 43))
	f.Fuzz(func(t *testing.T, text string) {
		d, ok := digestOf(Token(text))
		if e, again := digestOf(Token(text)); ok != again || !cmp.Equal(d, e) {
			t.Error("two digests of one token")
		}
		if _, key := keyDigest(keyMark + "ABCDEFGH_" + text); key != ok {
			t.Error("a key's secret is read otherwise than a session's")
		}
	})
}
