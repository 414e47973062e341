package intake

import (
	"fmt"
	"strings"
	"time"
)

// pattern is a compiled date format such as "yyyy-MM-dd HH:mm:ss" (the letters of Unicode TR 35): yyyy year, M or MM
// month, d or dd day, H or HH hour 0–23, h or hh hour 1–12 with a for AM/PM, m or mm minute, s or ss second, S
// fraction, XXX offset (+08:00 or Z), 'quoted' text; every other character stands for itself. One letter takes one or
// two digits, two letters take exactly two.
type pattern []piece

type piece struct {
	letter byte // 0: literal
	width  int
	text   string
}

func compilePattern(text string) (pattern, error) {
	var p pattern
	seen := map[byte]bool{}
	for i := 0; i < len(text); {
		c := text[i]
		if c == '\'' {
			end := strings.IndexByte(text[i+1:], '\'')
			if end < 0 {
				return nil, fmt.Errorf("format %q: a quote is not closed", text)
			}
			p = append(p, piece{text: text[i+1 : i+1+end]})
			i += end + 2
			continue
		}
		if c < 'A' || c > 'z' || c > 'Z' && c < 'a' {
			p = append(p, piece{text: text[i : i+1]})
			i++
			continue
		}
		n := 1
		for i+n < len(text) && text[i+n] == c {
			n++
		}
		most := map[byte]int{'y': 4, 'M': 2, 'd': 2, 'H': 2, 'h': 2, 'm': 2, 's': 2, 'S': 9, 'X': 3, 'a': 1}[c]
		if most == 0 || n > most || c == 'y' && n != 4 || c == 'X' && n != 3 || seen[c] {
			return nil, fmt.Errorf("format %q: %q is not understood; use yyyy MM dd HH mm ss SSS XXX, hh with a, and 'text'", text, text[i:i+n])
		}
		seen[c] = true
		p = append(p, piece{letter: c, width: n})
		i += n
	}
	if !seen['y'] {
		return nil, fmt.Errorf("format %q: the year (yyyy) is missing", text)
	}
	if seen['h'] != seen['a'] || seen['h'] && seen['H'] {
		return nil, fmt.Errorf("format %q: hh and a go together, HH goes alone", text)
	}
	return p, nil
}

// clock is a date and time as written, before it is known whether they exist.
type clock struct {
	year, month, day, hour, minute, second, nano int
	offset                                       int // seconds east of UTC
	hasOffset                                    bool
}

// read takes the text apart; ok is false when it does not have the pattern's form.
func (p pattern) read(s string) (c clock, ok bool) {
	c = clock{month: 1, day: 1}
	afternoon, twelve := false, false
	for _, q := range p {
		if q.letter == 0 {
			if !strings.HasPrefix(s, q.text) {
				return c, false
			}
			s = s[len(q.text):]
			continue
		}
		var n, used int
		switch q.letter {
		case 'a':
			if len(s) < 2 || s[1]|0x20 != 'm' || s[0]|0x20 != 'a' && s[0]|0x20 != 'p' {
				return c, false
			}
			twelve, afternoon, used = true, s[0]|0x20 == 'p', 2
		case 'X':
			if c.offset, used = readOffset(s); used == 0 {
				return c, false
			}
			c.hasOffset = true
		case 'S':
			if n, used = digits(s, 1, 9); used == 0 {
				return c, false
			}
			for i := used; i < 9; i++ {
				n *= 10
			}
			c.nano = n
		default:
			least, most := q.width, q.width
			if q.width == 1 {
				most = 2
			}
			if n, used = digits(s, least, most); used == 0 {
				return c, false
			}
			*c.part(q.letter) = n
		}
		s = s[used:]
	}
	if twelve {
		if c.hour < 1 || c.hour > 12 {
			return c, false
		}
		c.hour %= 12
		if afternoon {
			c.hour += 12
		}
	}
	return c, s == ""
}

func (c *clock) part(letter byte) *int {
	switch letter {
	case 'y':
		return &c.year
	case 'M':
		return &c.month
	case 'd':
		return &c.day
	case 'm':
		return &c.minute
	case 's':
		return &c.second
	}
	return &c.hour
}

func digits(s string, least, most int) (n, used int) {
	for used < len(s) && used < most && s[used] >= '0' && s[used] <= '9' {
		n = n*10 + int(s[used]-'0')
		used++
	}
	if used < least {
		return 0, 0
	}
	return n, used
}

func readOffset(s string) (seconds, used int) {
	if strings.HasPrefix(s, "Z") {
		return 0, 1
	}
	if len(s) < 6 || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, 0
	}
	h, a := digits(s[1:3], 2, 2)
	m, b := digits(s[4:6], 2, 2)
	if a == 0 || b == 0 || h > 14 || m > 59 {
		return 0, 0
	}
	seconds = h*3600 + m*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, 6
}

// exists tells whether that date and time is in the calendar.
func (c clock) exists() bool {
	if c.month < 1 || c.month > 12 || c.day < 1 || c.hour > 23 || c.minute > 59 || c.second > 59 || c.year < 1 {
		return false
	}
	return c.day <= daysIn(c.year, c.month)
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// instant is the moment of a local time. An hour that the clocks skipped has none (ok is false); of an hour that they
// showed twice it is the first, and twice is true.
func (c clock) instant(zone *time.Location) (t time.Time, twice, ok bool) {
	if c.hasOffset {
		zone = time.FixedZone("", c.offset)
	}
	t = time.Date(c.year, time.Month(c.month), c.day, c.hour, c.minute, c.second, c.nano, zone)
	if t.Hour() != c.hour || t.Minute() != c.minute || t.Day() != c.day {
		return t, false, false
	}
	for _, shift := range []time.Duration{time.Hour, 30 * time.Minute, 2 * time.Hour} { // what zones have ever shifted by
		if e := t.Add(-shift); e.Hour() == t.Hour() && e.Minute() == t.Minute() {
			return e, true, true
		}
		if l := t.Add(shift); l.Hour() == t.Hour() && l.Minute() == t.Minute() {
			return t, true, true
		}
	}
	return t, false, true
}

// clock reads the field's date or time; ok is false for none.
func (r *reading) clock(p *plan, values []string) (c clock, ok bool, f *fault) {
	if r.Parts != nil {
		return r.assemble(p, values)
	}
	s, f := r.text(p, values)
	if f != nil || s == "" {
		return c, false, f
	}
	for _, pattern := range r.formats {
		if c, ok := pattern.read(s); ok {
			if !c.exists() {
				return c, false, bad(r.shown, faultDate, "%s: this date does not exist", r.name)
			}
			return c, true, nil
		}
	}
	return c, false, bad(r.shown, faultDate, "%s has none of the formats %s", r.name, strings.Join(r.Formats, " | "))
}

func (r *reading) assemble(p *plan, values []string) (c clock, ok bool, f *fault) {
	c = clock{month: 1, day: 1}
	into := []*int{&c.year, &c.month, &c.day, &c.hour, &c.minute, &c.second}
	for i, index := range r.indexes {
		s, f := p.value(values, index)
		if f != nil {
			return c, false, f
		}
		if s == "" {
			if i == 0 {
				if r.required || r.Required {
					return c, false, bad(r.shown, faultMissing, "%s is required and there is no year", r.name)
				}
				return c, false, nil
			}
			continue
		}
		n, used := digits(s, 1, 4)
		if used != len(s) {
			return c, false, bad(p.header[index], faultDate, "%s: a part is not a whole number", r.name)
		}
		*into[i] = n
	}
	if !c.exists() {
		return c, false, bad(r.shown, faultDate, "%s: this date does not exist", r.name)
	}
	return c, true, nil
}

// moment is the field's time in UTC; ok is false for none. A time that the clocks showed twice is counted.
func (r *reading) moment(p *plan, values []string, notes *notes) (t time.Time, ok bool, f *fault) {
	c, ok, f := r.clock(p, values)
	if f != nil || !ok {
		return t, false, f
	}
	t, twice, exists := c.instant(p.mapping.zone)
	if !exists {
		return t, false, bad(r.shown, faultDate, "%s: the clocks of %s skipped this hour (summer time began)", r.name, p.mapping.Zone)
	}
	if twice {
		notes.twice++
	}
	if t.Year() < 1970 || t.Year() > 2100 {
		return t, false, bad(r.shown, faultDate, "%s lies outside 1970–2100", r.name)
	}
	return t.UTC(), true, nil
}

// day is the field's date; ok is false for none.
func (r *reading) day(p *plan, values []string) (t time.Time, ok bool, f *fault) {
	c, ok, f := r.clock(p, values)
	if f != nil || !ok {
		return t, false, f
	}
	if c.year < 1800 || c.year > 2200 {
		return t, false, bad(r.shown, faultDate, "%s lies outside 1800–2200", r.name)
	}
	return time.Date(c.year, time.Month(c.month), c.day, 0, 0, 0, 0, time.UTC), true, nil
}
