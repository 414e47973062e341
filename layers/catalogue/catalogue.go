// Package catalogue reads the configuration of a deployment from a folder of CSV files and puts it into the database:
// departments, sources, classes, care needs, event items and thematic layers. Putting the same folder again changes
// nothing; what is already there under the same code is brought up to date, and nothing is removed.
package catalogue

import (
	"bytes"
	"embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

//go:embed sample/*.csv
var samples embed.FS

// Sample is the invented catalogue that ships: 11 departments, 17 sources, 6 event categories, 61 layers.
func Sample() (*Catalogue, error) {
	dir, err := fs.Sub(samples, "sample")
	if err != nil {
		return nil, err
	}
	return Read(dir)
}

// Row is one line of a file by column name, with where it stands for error messages.
type Row struct {
	values map[string]string
	file   string
	line   int
}

// Get is a column's value; empty when the file has no such column.
func (r Row) Get(column string) string { return r.values[column] }

// Int is a whole number; Read has checked that it is one.
func (r Row) Int(column string) int {
	n, _ := strconv.Atoi(r.values[column])
	return n
}

// Hours are the deadlines by level, four numbers between slashes; nil when the column is empty.
func (r Row) Hours(column string) ([]int, error) {
	v := r.Get(column)
	if v == "" {
		return nil, nil
	}
	parts := strings.Split(v, "/")
	out := make([]int, len(parts))
	for i, p := range parts {
		n, err := strconv.Atoi(strings.TrimSpace(p))
		if err != nil || n < 1 || len(parts) != 4 {
			return nil, r.problem(column, "must be hours for the levels 1 to 4, such as 4/8/24/72")
		}
		out[i] = n
	}
	return out, nil
}

func (r Row) problem(column, format string, args ...any) error {
	return fmt.Errorf("%s, line %d, column %s: %s", r.file, r.line, column, fmt.Sprintf(format, args...))
}

// Catalogue is a folder's content. Files that are not there are empty lists.
type Catalogue struct {
	Deployment, Departments, Sources, Categories, SiteClasses, PersonClasses, CareNeeds, Items, Layers, Calendar []Row
}

// format is what a file must hold: its columns, those that may be empty marked with ?, whole numbers with #.
var formats = map[string]string{
	"deployment":     "name name_en zone",
	"departments":    "code name name_en?",
	"sources":        "code name name_en? department? kind cadence? datum?",
	"categories":     "code name name_en? color? shape?",
	"site_classes":   "code name name_en? group? color? shape? rate?",
	"person_classes": "code name name_en?",
	"care_needs":     "bit# code name name_en?",
	"items":          "code category name name_en? department? level# deadline_hours# steps? round_clock?# photos?# level_hours?",
	"calendar":       "day working# name? name_en?",
	"layers":         "code kind group group_en? name name_en? filter? color? shape? department? source? visible# min_zoom#",
}

// Read reads and checks all files of a folder. The error tells of every fault, each with file, line and column.
func Read(dir fs.FS) (*Catalogue, error) {
	c := &Catalogue{}
	var faults []error
	for name, to := range map[string]*[]Row{
		"deployment": &c.Deployment, "departments": &c.Departments, "sources": &c.Sources, "categories": &c.Categories,
		"site_classes": &c.SiteClasses, "person_classes": &c.PersonClasses, "care_needs": &c.CareNeeds, "items": &c.Items, "layers": &c.Layers,
		"calendar": &c.Calendar,
	} {
		rows, errs := readFile(dir, name)
		*to = rows
		faults = append(faults, errs...)
	}
	faults = append(faults, c.check()...)
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return c, errors.Join(faults...)
}

func readFile(dir fs.FS, name string) ([]Row, []error) {
	file := name + ".csv"
	b, err := fs.ReadFile(dir, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, []error{fmt.Errorf("%s: %w", file, err)}
	}
	if !utf8.Valid(b) {
		return nil, []error{fmt.Errorf("%s: is not UTF-8", file)}
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(b, []byte("\ufeff"))))
	header, err := r.Read()
	if err != nil {
		return nil, []error{fmt.Errorf("%s: has no header line", file)}
	}
	columns, faults := checkHeader(file, name, header)
	if faults != nil {
		return nil, faults
	}
	var rows []Row
	seen := map[string]int{}
	for {
		values, err := r.Read()
		if err != nil {
			var parse *csv.ParseError
			if errors.As(err, &parse) {
				faults = append(faults, fmt.Errorf("%s, line %d: %w", file, parse.Line, parse.Err))
			}
			return rows, faults
		}
		line, _ := r.FieldPos(0)
		row := Row{values: map[string]string{}, file: file, line: line}
		for i, v := range values {
			row.values[header[i]] = strings.TrimSpace(v)
		}
		faults = append(faults, row.checkValues(columns)...)
		if code := row.Get("code"); code != "" {
			if first, twice := seen[code]; twice {
				faults = append(faults, row.problem("code", "%q stands on line %d already", code, first))
			}
			seen[code] = line
		}
		rows = append(rows, row)
	}
}

// column is what a file's column must hold.
type column struct {
	name             string
	optional, number bool
}

func checkHeader(file, name string, header []string) (columns []column, faults []error) {
	for _, f := range strings.Fields(formats[name]) {
		c := column{name: strings.TrimRight(f, "?#"), optional: strings.Contains(f, "?"), number: strings.HasSuffix(f, "#")}
		if !c.optional && !slices.Contains(header, c.name) {
			faults = append(faults, fmt.Errorf("%s: the column %s is missing", file, c.name))
		}
		columns = append(columns, c)
	}
	for _, h := range header {
		if !slices.ContainsFunc(columns, func(c column) bool { return c.name == h }) {
			faults = append(faults, fmt.Errorf("%s: the column %s is unknown", file, h))
		}
	}
	return columns, faults
}

func (r Row) checkValues(columns []column) (faults []error) {
	for _, c := range columns {
		v := r.Get(c.name)
		switch {
		case v == "" && !c.optional:
			faults = append(faults, r.problem(c.name, "is empty"))
		case c.number && v != "":
			if n, err := strconv.Atoi(v); err != nil || n < 0 {
				faults = append(faults, r.problem(c.name, "is not a whole number"))
			}
		case c.name == "code" && strings.ContainsFunc(v, func(r rune) bool {
			return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-", r)
		}):
			faults = append(faults, r.problem(c.name, "has other characters than a–z, 0–9, _ . -"))
		}
	}
	return faults
}

// check looks at what can be known without the database.
func (c *Catalogue) check() (faults []error) {
	for _, r := range c.Deployment {
		if _, err := time.LoadLocation(r.Get("zone")); err != nil {
			faults = append(faults, r.problem("zone", "is not an IANA time zone"))
		}
	}
	kinds := []string{"person", "site", "event", "place"}
	for _, r := range c.Layers {
		if !slices.Contains(kinds, r.Get("kind")) {
			faults = append(faults, r.problem("kind", "must be person, site, event or place"))
		}
	}
	for _, r := range c.Sources {
		if k := r.Get("kind"); k != "mixed" && !slices.Contains(kinds, k) {
			faults = append(faults, r.problem("kind", "must be person, site, event, place or mixed"))
		}
	}
	for _, r := range c.Items {
		if r.Int("level") < 1 || r.Int("level") > 4 {
			faults = append(faults, r.problem("level", "must be 1 to 4"))
		}
		if r.Int("deadline_hours") < 1 {
			faults = append(faults, r.problem("deadline_hours", "must be at least 1"))
		}
	}
	for _, r := range c.Items {
		if _, err := r.Hours("level_hours"); err != nil {
			faults = append(faults, err)
		}
		if r.Int("photos") > 12 {
			faults = append(faults, r.problem("photos", "must be 0 to 12"))
		}
	}
	for _, r := range c.Calendar {
		if _, err := time.Parse(time.DateOnly, r.Get("day")); err != nil {
			faults = append(faults, r.problem("day", "is not a date such as 2026-10-01"))
		}
	}
	for _, r := range c.CareNeeds {
		if r.Int("bit") > 31 {
			faults = append(faults, r.problem("bit", "must be 0 to 31"))
		}
	}
	return faults
}
