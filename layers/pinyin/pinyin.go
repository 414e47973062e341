// Package pinyin writes Chinese names in the letters by which they are searched.
package pinyin

import (
	"slices"
	"strings"
	"unicode"

	"github.com/mozillazg/go-pinyin"
)

// all gives every reading of a character, without tones.
var all = pinyin.Args{Style: pinyin.Normal, Heteronym: true}

// Of writes a text as syllables with blanks between, a character's readings with | between: 重复井盖 is
// "zhong|chong fu jing gai". ü is v. Latin letters and digits are words as they stand, in lower case; the rest is left
// out.
func Of(text string) string {
	var out []string
	word := ""
	end := func() {
		if word != "" {
			out = append(out, word)
		}
		word = ""
	}
	for _, c := range text {
		if c < unicode.MaxASCII && (unicode.IsLetter(c) || unicode.IsDigit(c)) {
			word += string(unicode.ToLower(c))
			continue
		}
		end()
		var readings []string
		for _, r := range pinyin.SinglePinyin(c, all) {
			if !slices.Contains(readings, r) {
				readings = append(readings, r)
			}
		}
		if len(readings) > 0 {
			out = append(out, strings.Join(readings, "|"))
		}
	}
	end()
	return strings.Join(out, " ")
}
