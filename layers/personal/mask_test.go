package personal

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestMasks(t *testing.T) {
	for _, c := range []struct {
		what     string
		mask     func(string) string
		in, want string
	}{
		{"name", MaskName, "王小明", "王**"},
		{"name", MaskName, "王明", "王**"}, // its length is not told
		{"name", MaskName, "欧阳娜娜", "欧**"},
		{"name", MaskName, "王", "**"},
		{"name", MaskName, "", ""},
		{"name", MaskName, "  ", ""},
		{"name", MaskName, " 王小明 ", "王**"},
		{"name", MaskName, "John Smith", "J**"},
		{"name", MaskName, "买买提·吐尔逊", "买**"},
		{"name", MaskName, "𠮷田", "𠮷**"}, // beyond the basic plane
		{"name", MaskName, "é", "**"},
		{"name", MaskName, "e\u0301ric", "e**"},
		{"name", MaskName, "13800138000", "**"}, // a number in the wrong column
		{"name", MaskName, "\xff\xfe", "**"},
		{"identity number", MaskIDNumber, "441900199001011238", "4****************8"},
		{"identity number", MaskIDNumber, "44190019900101123X", "4****************X"},
		{"identity number", MaskIDNumber, "441900900101123", "4*************3"},
		{"identity number", MaskIDNumber, "E12345678", "********"},
		{"identity number", MaskIDNumber, "12", "********"},
		{"identity number", MaskIDNumber, "", ""},
		{"phone", MaskPhone, "13812341234", "138****1234"},
		{"phone", MaskPhone, "+86 138-1234-1234", "138****1234"},
		{"phone", MaskPhone, "１３８１２３４１２３４", "138****1234"},
		{"phone", MaskPhone, "0769-22837110", "****10"},
		{"phone", MaskPhone, "2283711", "****11"},
		{"phone", MaskPhone, "12345", "****"},
		{"phone", MaskPhone, "王小明", "****"},
		{"phone", MaskPhone, "", ""},
		{"address", MaskAddress, "厚街大道1号1101房", "****"},
		{"address", MaskAddress, "", ""},
	} {
		if got := c.mask(c.in); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.what, c.in, got, c.want)
		}
	}
}

// Whatever is masked, no more of it can be read than the mask says, and two values that agree in that look the same.
func TestMasksRevealNoMore(t *testing.T) {
	masks := map[string]struct {
		of    func(string) string
		shown int // runes at most
		run   int // and of the value at most so many in a row
	}{
		"name": {MaskName, 1, 1}, "identity number": {MaskIDNumber, 2, 1}, "phone": {MaskPhone, 7, 4}, "address": {MaskAddress, 0, 0},
	}
	value := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9]{5,20}`), rapid.StringMatching(`1[0-9]{10}`),
		rapid.StringMatching(`[0-9]{17}[0-9X]`), rapid.StringMatching(`\p{Han}{1,5}`), rapid.StringMatching(`[A-Z][a-z]{1,9} [A-Z][a-z]{1,9}`))
	rapid.Check(t, func(t *rapid.T) {
		in := value.Draw(t, "value")
		for name, m := range masks {
			out := m.of(in)
			if (out == "") != (strings.TrimSpace(in) == "") {
				t.Fatalf("%s: %q became %q", name, in, out)
			}
			open := strings.ReplaceAll(out, "*", "")
			if n := utf8.RuneCountInString(open); n > m.shown {
				t.Fatalf("%s: %q shows %d runes: %q", name, in, n, out)
			}
			for _, part := range strings.FieldsFunc(out, func(r rune) bool { return r == '*' }) {
				if utf8.RuneCountInString(part) > m.run {
					t.Fatalf("%s: %q shows %q", name, in, part)
				}
			}
			if out != "" && !strings.Contains(out, "**") {
				t.Fatalf("%s: %q is not masked: %q", name, in, out)
			}
		}
	})
}

// What a mask hides may be anything: a change of a hidden digit changes nothing that is shown.
func TestHiddenDigitsDoNotShow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		phone := []byte(rapid.StringMatching(`1[0-9]{10}`).Draw(t, "phone"))
		number := []byte(rapid.StringMatching(`[1-9][0-9]{16}[0-9X]`).Draw(t, "number"))
		p, n := slices.Clone(phone), slices.Clone(number)
		p[rapid.IntRange(3, 6).Draw(t, "at")] = byte(rapid.IntRange('0', '9').Draw(t, "digit"))
		n[rapid.IntRange(1, 16).Draw(t, "at")] = byte(rapid.IntRange('0', '9').Draw(t, "digit"))
		if MaskPhone(string(phone)) != MaskPhone(string(p)) || MaskIDNumber(string(number)) != MaskIDNumber(string(n)) {
			t.Fatalf("%s %s or %s %s", phone, p, number, n)
		}
	})
}

func FuzzMasks(f *testing.F) {
	f.Add("王小明")
	f.Add("+86 138 0013 8000")
	f.Fuzz(func(t *testing.T, s string) {
		for _, mask := range []func(string) string{MaskName, MaskIDNumber, MaskPhone, MaskAddress} {
			if out := mask(s); out != "" && !strings.Contains(out, "**") {
				t.Errorf("%q is not masked: %q", s, out)
			}
		}
		for _, c := range []Column{IDNumber, Phone} {
			if n := Normal(c, s); Normal(c, n) != n {
				t.Errorf("%q is normal as %q, and that as %q", s, n, Normal(c, n))
			}
		}
	})
}
