// Package catalogue reads the configuration of a deployment from a folder of CSV files and puts it into the database:
// departments, sources, classes, care needs, event items and thematic layers. Putting the same folder again changes
// nothing; what is already there under the same code is brought up to date, and nothing is removed.
package catalogue

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
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
	"items":          itemFormat,
	"calendar":       "day working# name? name_en?",
	"layers":         "code kind group group_en? name name_en? filter? color? shape? department? source? visible# min_zoom#",
}

// Read reads and checks all files of a folder. The error is of type Faults: every one, with file, line and column.
func Read(dir fs.FS) (*Catalogue, error) {
	c := &Catalogue{}
	var faults Faults
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
	return c, faults.err()
}

func readFile(dir fs.FS, name string) ([]Row, Faults) {
	file := name + ".csv"
	b, err := fs.ReadFile(dir, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, Faults{fileFault(file, "%s", err)}
	}
	t, faults := readCSV(file, b)
	rows, more := t.rows(file, name)
	return rows, append(faults, more...)
}

// column is what a file's column must hold.
type column struct {
	name             string
	optional, number bool
}

func checkHeader(file, name string, header []string) (columns []column, faults Faults) {
	wrong := func(format string, args ...any) {
		faults = append(faults, &Fault{File: file, Class: ClassHeader, Reason: fmt.Sprintf(format, args...)})
	}
	for _, f := range strings.Fields(formats[name]) {
		c := column{name: strings.TrimRight(f, "?#"), optional: strings.Contains(f, "?"), number: strings.HasSuffix(f, "#")}
		if !c.optional && !slices.Contains(header, c.name) {
			wrong("the column %s is missing", c.name)
		}
		columns = append(columns, c)
	}
	for i, h := range header {
		if !slices.ContainsFunc(columns, func(c column) bool { return c.name == h }) {
			wrong("the column %s is unknown", h)
		} else if slices.Index(header, h) != i {
			wrong("the column %s is there twice", h)
		}
	}
	return columns, faults
}

func (r Row) checkValues(columns []column) (faults Faults) {
	for _, c := range columns {
		v := r.Get(c.name)
		switch {
		case v == "" && !c.optional:
			faults = append(faults, r.fault(c.name, ClassEmpty, "is empty"))
		case c.number && v != "":
			if n, err := strconv.Atoi(v); err != nil || n < 0 || n > maxNumber {
				faults = append(faults, r.fault(c.name, ClassNumber, "is not a whole number"))
			}
		case c.name == "code" && strings.ContainsFunc(v, func(r rune) bool {
			return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-", r)
		}):
			faults = append(faults, r.fault(c.name, ClassCode, "has other characters than a–z, 0–9, _ . -"))
		}
	}
	return faults
}

// check looks at what can be known without the database.
func (c *Catalogue) check() (faults Faults) {
	for _, r := range c.Deployment {
		if _, err := time.LoadLocation(r.Get("zone")); err != nil {
			faults = append(faults, r.fault("zone", ClassChoice, "is not an IANA time zone"))
		}
	}
	kinds := []string{"person", "site", "event", "place"}
	for _, r := range c.Layers {
		if !slices.Contains(kinds, r.Get("kind")) {
			faults = append(faults, r.fault("kind", ClassChoice, "must be person, site, event or place"))
		}
	}
	for _, r := range c.Sources {
		if k := r.Get("kind"); k != "mixed" && !slices.Contains(kinds, k) {
			faults = append(faults, r.fault("kind", ClassChoice, "must be person, site, event, place or mixed"))
		}
	}
	for _, r := range c.Items {
		faults = append(faults, r.checkItem()...)
	}
	for _, r := range c.Calendar {
		if _, err := time.Parse(time.DateOnly, r.Get("day")); err != nil {
			faults = append(faults, r.fault("day", ClassDate, "is not a date such as 2026-10-01"))
		}
	}
	for _, r := range c.CareNeeds {
		if r.Int("bit") > 31 {
			faults = append(faults, r.fault("bit", ClassNumber, "must be 0 to 31"))
		}
	}
	return faults
}
