package intake

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"onepicture/layers"
)

// valueType is what a target field holds.
type valueType uint8

const (
	valueText  valueType = iota
	valueCode            // a code of the catalogue or of a closed list
	valueCodes           // several of them
	valueDate
	valueTime
	valueInt
)

// target is a field that a kind of feature has.
type target struct {
	value    valueType
	required bool
	most     int // characters of text; 0: 200
}

// targets are the fields of each kind.
var targets = map[layers.Kind]map[string]target{
	layers.KindPerson: {
		"name": {}, "idNumber": {most: 40}, "phone": {most: 40}, "address": {most: 400}, "class": {value: valueCode}, "gender": {value: valueCode},
		"birth": {value: valueDate}, "care": {value: valueCodes},
	},
	layers.KindSite: {
		"name": {required: true}, "class": {value: valueCode}, "status": {value: valueCode}, "address": {most: 400},
		"updatedAt": {value: valueTime},
	},
	layers.KindEvent: {
		"title": {required: true}, "category": {value: valueCode}, "item": {value: valueCode}, "level": {value: valueInt},
		"status": {value: valueCode}, "channel": {value: valueCode}, "description": {most: 4000}, "address": {most: 400},
		"reportedAt": {value: valueTime, required: true}, "dueAt": {value: valueTime}, "closedAt": {value: valueTime},
		"reporter": {},
	},
	layers.KindPlace: {
		"code": {required: true}, "level": {value: valueInt, required: true}, "parent": {}, "name": {required: true},
		"nameEn": {}, "validFrom": {value: valueDate}, "validTo": {value: valueDate},
	},
}

func fieldNames(known map[string]target) string {
	names := make([]string, 0, len(known))
	for n := range known {
		names = append(names, n)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func (f Field) check(t target) error {
	if count(f.Column != "", len(f.Columns) > 0, f.Const != "", f.Parts != nil) != 1 {
		return errors.New("give exactly one of column, columns, const and parts")
	}
	if f.Parts != nil && (t.value != valueTime && t.value != valueDate || f.Parts.Year == "") {
		return errors.New("parts are for dates and times, and need at least year")
	}
	if len(f.Formats) > 0 && t.value != valueTime && t.value != valueDate {
		return errors.New("formats are for dates and times")
	}
	if (t.value == valueTime || t.value == valueDate) && f.Parts == nil && len(f.Formats) == 0 {
		return errors.New(`formats are needed, e.g. formats = ["yyyy-MM-dd HH:mm"]`)
	}
	if len(f.Slice) != 0 && (len(f.Slice) != 2 || f.Slice[0] < 0 || f.Slice[1] <= f.Slice[0]) {
		return errors.New("slice is [from, to), counted from 0")
	}
	if f.PadLeft > 0 && f.PadRight > 0 || max(f.PadLeft, f.PadRight) > 40 || min(f.PadLeft, f.PadRight) < 0 {
		return errors.New("padLeft or padRight, not both, at most 40")
	}
	for _, text := range f.Formats {
		if _, err := compilePattern(text); err != nil {
			return err
		}
	}
	return nil
}

// bearsOffset tells that every format of the field holds the offset from UTC.
func (f Field) bearsOffset() bool {
	return len(f.Formats) > 0 && !slices.ContainsFunc(f.Formats, func(s string) bool { return !strings.Contains(s, "XXX") })
}

func (f Field) reads() []string {
	out := append([]string{f.Column}, f.Columns...)
	if p := f.Parts; p != nil {
		out = append(out, p.Year, p.Month, p.Day, p.Hour, p.Minute, p.Second)
	}
	return out
}

// fault is why a row is set aside: the column, the class under which it is counted, and a reason without the value.
type fault struct{ column, class, reason string }

// Classes of faults found by the mapping; the reader and the mapping's own rules add theirs.
const (
	faultMissing   = "missing"
	faultCode      = "unknown code"
	faultDate      = "date"
	faultNumber    = "number"
	faultText      = "text"
	faultLocation  = "location"
	faultSwapped   = "swapped axes"
	faultArea      = "outside area of use"
	faultGeometry  = "geometry"
	faultDuplicate = "duplicate"
	faultKey       = "duplicate key"
	faultTree      = "place tree"
	faultSource    = "other source"
	faultOrder     = "order of times"
)

func bad(column, class, format string, args ...any) *fault {
	return &fault{column, class, fmt.Sprintf(format, args...)}
}

// reading is a field bound to the columns of one file.
type reading struct {
	Field
	target
	name    string
	shown   string // the column named in reports
	indexes []int
	table   coding
	formats []pattern
}

// coding is a code table; nil: none.
type coding map[string]string

// bind finds the field's columns in the header.
func (m *Mapping) bind(name string, f Field, t target, at map[string]int) (*reading, error) {
	r := &reading{Field: f, target: t, name: name, table: f.Table}
	if f.TableFile != nil {
		r.table = maps.Clone(m.tables[name])
		maps.Copy(r.table, f.Table) // what the mapping itself says goes before the file
	}
	if r.most == 0 {
		r.most = 200
	}
	names := f.Columns
	if f.Column != "" {
		names = []string{f.Column}
	}
	if p := f.Parts; p != nil {
		names = []string{p.Year, p.Month, p.Day, p.Hour, p.Minute, p.Second}
	}
	for _, n := range names {
		i, ok := at[n]
		if !ok && n != "" {
			return nil, fmt.Errorf("%s: the file has no column %q", name, n)
		}
		if n == "" {
			i = -1
		} else if r.shown == "" {
			r.shown = n
		}
		r.indexes = append(r.indexes, i)
	}
	for _, text := range f.Formats {
		p, err := compilePattern(text)
		if err != nil {
			return nil, err
		}
		r.formats = append(r.formats, p)
	}
	return r, nil
}

// text is the field's value as text, "" for none.
func (r *reading) text(p *plan, values []string) (string, *fault) {
	s, f := r.raw(p, values)
	if f != nil {
		return "", f
	}
	if s == "" {
		s = r.Default
	} else if s, f = r.shape(s); f != nil {
		return "", f
	}
	if s == "" && (r.Required || r.required) {
		return "", bad(r.shown, faultMissing, "%s is required and there is no value", r.name)
	}
	if len(s) > r.most && utf8.RuneCountInString(s) > r.most {
		return "", bad(r.shown, faultText, "%s is longer than %d characters", r.name, r.most)
	}
	return s, nil
}

func (r *reading) raw(p *plan, values []string) (string, *fault) {
	if r.Const != "" {
		return r.Const, nil
	}
	if len(r.indexes) == 1 {
		return p.value(values, r.indexes[0])
	}
	var parts []string
	for _, i := range r.indexes {
		s, f := p.value(values, i)
		if f != nil {
			return "", f
		}
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, r.Join), nil
}

func (r *reading) shape(s string) (string, *fault) {
	if len(r.Slice) == 2 {
		runes := []rune(s)
		s = string(runes[min(r.Slice[0], len(runes)):min(r.Slice[1], len(runes))])
	}
	if r.table != nil && r.Split == "" {
		to, ok := r.table[s]
		if !ok {
			if r.Default == "" {
				return "", bad(r.shown, faultCode, "the value is not in the code table of %s", r.name)
			}
			to = r.Default
		}
		s = to
	}
	if n := max(r.PadLeft, r.PadRight) - len(s); n > 0 {
		if zeros := strings.Repeat("0", n); r.PadLeft > 0 {
			s = zeros + s
		} else {
			s += zeros
		}
	}
	return r.Prefix + s + r.Suffix, nil
}
