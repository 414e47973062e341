package account

import (
	"bytes"
	_ "embed"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"onepicture/layers"
)

// shortest password that is taken, in characters. There is no rule about kinds of characters: length is what counts
// (NIST SP 800-63B, 5.1.1.2).
const shortest = 10

// breachedText are passwords that many leaks hold and words that people make theirs of, in small letters and sorted, one
// a line: those of 8 characters and more of zxcvbn 4.4.2 (MIT licence, D. Wheeler), and what is usual in China.
//
//go:embed breached.txt
var breachedText []byte

var breached = sync.OnceValue(func() []string { return strings.Fields(string(bytes.TrimSpace(breachedText))) })

// fit refuses a new password that can be guessed; it says why.
func fit(password, name string) error {
	folded := strings.ToLower(password)
	switch {
	case !utf8.ValidString(password) || len(password) > maxPassword:
		return layers.Invalid("password", "is longer than %d bytes", maxPassword)
	case utf8.RuneCountInString(password) < shortest:
		return layers.Invalid("password", "needs at least %d characters", shortest)
	case strings.Contains(folded, name) || strings.Contains(folded, "onepicture") || strings.Contains(folded, "一张图"):
		return layers.Invalid("password", "must not hold the sign-in name or the name of this program")
	case common(folded):
		return layers.Invalid("password", "is one of those that everybody tries first")
	case monotone(folded):
		return layers.Invalid("password", "repeats itself or counts on: everybody tries that first")
	}
	return nil
}

// common tells that a password, or what is left of it without digits and signs at its ends, is in the list.
func common(folded string) bool {
	bare := strings.TrimFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) })
	for _, candidate := range []string{folded, bare} {
		if _, found := slices.BinarySearch(breached(), candidate); found {
			return true
		}
	}
	return false
}

// monotone tells that a password has at most three different characters, or that each follows from the one before it.
func monotone(folded string) bool {
	runes := []rune(folded)
	different := map[rune]bool{}
	steps := 0
	for i, r := range runes {
		different[r] = true
		if i > 0 && (r-runes[i-1] == 1 || r-runes[i-1] == -1 || r == runes[i-1]) {
			steps++
		}
	}
	return len(different) <= 3 || steps >= len(runes)*3/4
}
