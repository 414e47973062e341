package personal

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaskName shows the first character of a name and nothing of its length: 王**, J**. A name of one character, or one
// that does not begin with a letter, is hidden whole. "" stays "".
func MaskName(name string) string {
	name = strings.TrimSpace(name)
	if name == "" {
		return ""
	}
	first, n := utf8.DecodeRuneInString(name)
	if n == len(name) || !unicode.IsLetter(first) {
		return "**"
	}
	return string(first) + "**"
}

// MaskIDNumber shows the first and the last character of an identity number of 15 or 18 characters:
// 4****************8. Of shorter and other documents it shows nothing, nor their length. "" stays "".
func MaskIDNumber(number string) string {
	number = strings.TrimSpace(number)
	if number == "" {
		return ""
	}
	n := utf8.RuneCountInString(number)
	if n != 15 && n != 18 {
		return "********"
	}
	first, _ := utf8.DecodeRuneInString(number)
	last, _ := utf8.DecodeLastRuneInString(number)
	return string(first) + strings.Repeat("*", n-2) + string(last)
}

// MaskPhone shows the first three and the last four digits of a mobile number, 138****1234, and of other numbers of
// seven digits and more the last two. "" stays "".
func MaskPhone(phone string) string {
	if strings.TrimSpace(phone) == "" {
		return ""
	}
	digits := normalPhone(phone)
	switch {
	case len(digits) == 11 && digits[0] == '1':
		return digits[:3] + "****" + digits[7:]
	case len(digits) >= 7:
		return "****" + digits[len(digits)-2:]
	}
	return "****"
}

// MaskAddress hides an address whole: the place is told beside it. "" stays "".
func MaskAddress(address string) string {
	if strings.TrimSpace(address) == "" {
		return ""
	}
	return "****"
}
