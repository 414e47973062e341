package reader

import (
	"regexp"
	"strings"

	"github.com/xuri/excelize/v2"
)

// kindOfTime is what a number format makes of a number.
type kindOfTime int

const (
	noTime kindOfTime = iota
	dateOnly
	dateTime
	timeOnly
	elapsed
)

// isoFormats are the number formats that write ISO 8601.
var isoFormats = map[kindOfTime]string{
	dateOnly: `yyyy-mm-dd`, dateTime: `yyyy-mm-dd"T"hh:mm:ss`, timeOnly: `hh:mm:ss`, elapsed: `[h]:mm:ss`,
}

// plainFormat is the id of no format: the library then gives a number as it stands.
const plainFormat = 1 << 30

// isoDates changes the formats of a workbook in memory, so that dates and times come as ISO 8601 and all other numbers
// as they stand, without separators, signs of currency or rounding.
func isoDates(book *excelize.File) error {
	if book.Styles == nil || book.Styles.CellXfs == nil {
		return nil
	}
	codes := map[int]string{}
	if book.Styles.NumFmts != nil {
		for _, n := range book.Styles.NumFmts.NumFmt {
			if n != nil {
				codes[n.NumFmtID] = n.FormatCode
			}
		}
	}
	kinds := make([]kindOfTime, len(book.Styles.CellXfs.Xf))
	for i, xf := range book.Styles.CellXfs.Xf {
		if xf.NumFmtID != nil {
			kinds[i] = kindOfFormat(*xf.NumFmtID, codes)
		}
	}
	ids := map[kindOfTime]int{noTime: plainFormat}
	for kind, code := range isoFormats {
		style, err := book.NewStyle(&excelize.Style{CustomNumFmt: &code})
		if err != nil {
			return fail(ClassFormat, "the styles of the workbook cannot be read").because(err)
		}
		ids[kind] = *book.Styles.CellXfs.Xf[style].NumFmtID
	}
	for i, kind := range kinds {
		id := ids[kind]
		book.Styles.CellXfs.Xf[i].NumFmtID = &id
	}
	return nil
}

// kindOfFormat knows the built-in formats of ECMA-376, part 1, 18.8.30 (27–36 and 50–58 are those of East Asia) and
// reads the codes of the others.
func kindOfFormat(id int, codes map[int]string) kindOfTime {
	if code, custom := codes[id]; custom {
		return kindOfCode(code)
	}
	switch {
	case id == 22:
		return dateTime
	case id == 46:
		return elapsed
	case 18 <= id && id <= 21, 32 <= id && id <= 35, id == 45, id == 47, id == 55, id == 56:
		return timeOnly
	case 14 <= id && id <= 17, 27 <= id && id <= 36, 50 <= id && id <= 58:
		return dateOnly
	}
	return noTime
}

var (
	elapsedCode = regexp.MustCompile(`(?i)\[(h+|m+|s+)\]`)
	literalCode = regexp.MustCompile(`"[^"]*"|\\.|_.|\*.|\[[^\]]*\]|(?i:general)|(?i:am/pm|a/p)|(?i:e[+-])`)
)

// kindOfCode looks for the letters of dates outside literals, in the first section of a format's code.
func kindOfCode(code string) kindOfTime {
	if elapsedCode.MatchString(code) {
		return elapsed
	}
	code = strings.ToLower(literalCode.ReplaceAllString(code, ""))
	code, _, _ = strings.Cut(code, ";")
	date, clock := strings.ContainsAny(code, "yd"), strings.ContainsAny(code, "hs")
	switch {
	case date && clock:
		return dateTime
	case date, strings.Contains(code, "m") && !clock:
		return dateOnly
	case clock:
		return timeOnly
	}
	return noTime
}
