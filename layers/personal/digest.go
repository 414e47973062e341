package personal

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// Index is the blind index of a value: 64 bits of HMAC-SHA-256 under a key of its own over the column and the
// normalised value. Equal values have equal ones; without the key it tells nothing. Different values may share one
// (among ten million with a probability of 3·10⁻⁶ at all), so what is found is opened and compared. Zero stands for no
// value.
func (k *Keys) Index(c Column, value string) int64 {
	value = Normal(c, value)
	if value == "" {
		return 0
	}
	sum := k.macs[useIndex].sum([]byte(c), zero, []byte(value))
	return max(int64(binary.BigEndian.Uint64(sum[:])>>1), 1)
}

var zero = []byte{0}

// Content is the digest of a row's content under a key: equal content, equal digest; but nobody without the key can
// try values.
func (k *Keys) Content(parts ...[]byte) [32]byte { return k.macs[useContent].sum(parts...) }

// RowKey is what a person's key within its source is kept as: the key is often an identity number. 22 characters.
func (k *Keys) RowKey(key string) string {
	sum := k.macs[useKey].sum([]byte(key))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// AuditKey is the key of the audit's heads outside the database.
func (k *Keys) AuditKey() []byte { return k.macs[useAudit].key }

// TriesKey makes the digests under which tries to sign in are counted.
func (k *Keys) TriesKey() []byte { return k.macs[useTries].key }

// Normal is the form in which a value is compared: an identity number in full, phones without their decoration.
func Normal(c Column, value string) string {
	switch c {
	case IDNumber:
		return normalID(value)
	case Phone:
		return normalPhone(value)
	}
	return strings.TrimSpace(value)
}

// narrow maps full-width letters, digits and signs to their plain forms.
func narrow(r rune) rune {
	if r >= '！' && r <= '～' {
		return r - '！' + '!'
	}
	return r
}

// normalID leaves letters and digits, in capitals; a number of 15 digits (before 1999) becomes that of 18
// (GB 11643-1999: the century and a check digit by ISO 7064 MOD 11-2).
func normalID(value string) string {
	out := make([]byte, 0, 18)
	digits := 0
	for _, r := range value {
		r = narrow(r)
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r >= 'a' && r <= 'z':
			r -= 'a' - 'A'
		case r >= 'A' && r <= 'Z':
		default:
			continue
		}
		out = append(out, byte(r))
	}
	if len(out) == 15 && digits == 15 {
		out = append(append(append(make([]byte, 0, 18), out[:6]...), "19"...), out[6:]...)
		out = append(out, checkDigit(out))
	}
	return string(out)
}

// checkDigit is the last character of an identity number of which 17 digits are given.
func checkDigit(digits []byte) byte {
	weights := [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += int(digits[i]-'0') * w
	}
	return "10X98765432"[sum%11]
}

// normalPhone leaves the digits, without the country code before a mobile number.
func normalPhone(value string) string {
	out := make([]byte, 0, 16)
	for _, r := range value {
		if r = narrow(r); r >= '0' && r <= '9' {
			out = append(out, byte(r))
		}
	}
	s := string(out)
	for _, prefix := range []string{"0086", "86"} {
		if rest, ok := strings.CutPrefix(s, prefix); ok && len(rest) == 11 && rest[0] == '1' {
			return rest
		}
	}
	return s
}
