package intake

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"onepicture/geo"
	"onepicture/layers"
)

// Mapping says how the rows of one source's files become features of one kind. It is data: a TOML file (see
// examples/). Load checks everything that can be checked without the data.
type Mapping struct {
	Kind       string            `toml:"kind"`
	Datum      string            `toml:"datum"`      // WGS84, CGCS2000, GCJ02, BD09 or EPSG:n; never guessed
	Zone       string            `toml:"zone"`       // IANA zone of times that bear no offset
	Key        []string          `toml:"key"`        // columns that identify a row within the source
	ContentKey bool              `toml:"contentKey"` // or: a row is its whole content
	Duplicates string            `toml:"duplicates"` // equal rows within the files: "reject" (default) or "unchanged"
	Empty      []string          `toml:"empty"`      // values that mean "no value", beside the empty one
	Source     SourceInfo        `toml:"source"`
	File       FileFormat        `toml:"file"`
	Location   Location          `toml:"location"`
	Fields     map[string]Field  `toml:"fields"`
	Attributes map[string]Field  `toml:"attributes"` // further columns of sites and events, kept under these names
	Refuse     []Rule            `toml:"refuse"`
	kind       layers.Kind       // parsed
	datum      geo.Datum         // of the four in degrees, else ""
	epsg       int               // of a projected or other system, else 0
	zone       *time.Location    // parsed; nil when none is given
	text       string            // the file as read, kept with each run
	dir        string            // against which the paths of code tables are read
	empty      map[string]bool   // of Empty
	tables     map[string]coding // by field: code tables read from files
}

// SourceInfo names the source; it is created when the first file comes.
type SourceInfo struct {
	Code       string `toml:"code"`
	Name       string `toml:"name"`
	NameEn     string `toml:"nameEn"`
	Department string `toml:"department"`
}

// FileFormat says what the file is where its name and content do not.
type FileFormat struct {
	Format    string `toml:"format"`
	Encoding  string `toml:"encoding"`
	Delimiter string `toml:"delimiter"`
	Object    string `toml:"object"` // of a TopoJSON file, or the sheet of a workbook
	HeaderRow int    `toml:"headerRow"`
}

// Location says where a row's location is: in two columns, or in the file's own geometry.
type Location struct {
	X        string `toml:"x"` // easting or longitude, whatever the standard's axis order
	Y        string `toml:"y"` // northing or latitude
	Geometry bool   `toml:"geometry"`
	None     bool   `toml:"none"` // places only: rows with codes but without boundaries
}

// Field says where the value of one target field comes from. Exactly one of Column, Columns, Const and Parts is given.
// Then, in this order: trimming, Slice, Table, PadLeft/PadRight, Prefix/Suffix, Default.
type Field struct {
	Column    string            `toml:"column"`
	Columns   []string          `toml:"columns"`
	Join      string            `toml:"join"`
	Const     string            `toml:"const"`
	Parts     *Parts            `toml:"parts"`
	Slice     []int             `toml:"slice"` // from, to: characters, counted from 0, end excluded
	Table     map[string]string `toml:"table"`
	TableFile *TableFile        `toml:"tableFile"`
	PadLeft   int               `toml:"padLeft"`  // with zeros, to this many characters
	PadRight  int               `toml:"padRight"` // with zeros
	Prefix    string            `toml:"prefix"`
	Suffix    string            `toml:"suffix"`
	Default   string            `toml:"default"` // for an empty value, and for one that the table has not
	Formats   []string          `toml:"formats"` // of dates and times, tried in turn
	Split     string            `toml:"split"`   // between several codes in one value (care)
	Required  bool              `toml:"required"`
}

// Parts takes a time from several columns; those left out count as the smallest value.
type Parts struct {
	Year   string `toml:"year"`
	Month  string `toml:"month"`
	Day    string `toml:"day"`
	Hour   string `toml:"hour"`
	Minute string `toml:"minute"`
	Second string `toml:"second"`
}

// TableFile is a code table in a file of its own; its path is relative to the mapping. An inline table beside it goes
// before it.
type TableFile struct {
	File string `toml:"file"`
	From string `toml:"from"`
	To   string `toml:"to"`
}

// Rule sets a row aside when all its conditions hold. Columns are compared as text, with the numbers' text trimmed of
// trailing zeros, so that "0.0" equals "0".
type Rule struct {
	Column string            `toml:"column"`
	Equals *string           `toml:"equals"`
	In     []string          `toml:"in"`
	Not    bool              `toml:"not"` // the condition turned round: set aside what is not so
	And    map[string]string `toml:"and"` // further columns that must equal
	As     string            `toml:"as"`  // the class under which the row is counted
}

// LoadMapping reads and checks a mapping file. Errors name the file and the line or key.
func LoadMapping(path string) (*Mapping, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read mapping: %w", err)
	}
	m, err := ParseMapping(b, filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("mapping %s: %w", filepath.Base(path), err)
	}
	return m, nil
}

// ParseMapping reads a mapping from its text; dir is where its code tables lie.
func ParseMapping(text []byte, dir string) (*Mapping, error) {
	m := &Mapping{text: string(text), dir: dir}
	d := toml.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil {
		return nil, tomlError(err)
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	return m, m.readTables()
}

// tomlError puts the line first; the library's own message is long.
func tomlError(err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		row, _ := strict.Errors[0].Position()
		key := strict.Errors[0].Key()
		return fmt.Errorf("line %d: unknown key %q", row, key[len(key)-1])
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		row, column := decode.Position()
		return fmt.Errorf("line %d, column %d: %s", row, column, strings.TrimPrefix(decode.Error(), "toml: "))
	}
	return err
}

// DatumChoices is what a mapping may declare.
const DatumChoices = `datum = "WGS84", "CGCS2000", "GCJ02", "BD09" or "EPSG:<number>" (for example "EPSG:4547")`

func (m *Mapping) check() error {
	var err error
	if m.kind, err = layers.ParseKind(m.Kind); err != nil {
		return fmt.Errorf("kind: %w", err)
	}
	if m.Source.Code == "" || m.Source.Name == "" {
		return errors.New("[source]: code and name are required")
	}
	if m.Source.NameEn == "" {
		m.Source.NameEn = m.Source.Name
	}
	if m.Zone != "" {
		if m.zone, err = time.LoadLocation(m.Zone); err != nil || m.Zone == "Local" {
			return fmt.Errorf("zone: %q is not an IANA time zone such as \"Asia/Shanghai\"", m.Zone)
		}
	}
	if m.Duplicates == "" {
		m.Duplicates = "reject"
	}
	if m.Duplicates != "reject" && m.Duplicates != "unchanged" {
		return errors.New(`duplicates: use "reject" or "unchanged"`)
	}
	m.empty = map[string]bool{"": true}
	for _, e := range m.Empty {
		m.empty[e] = true
	}
	for _, check := range []func() error{m.checkDatum, m.checkLocation, m.checkKey, m.checkFields, m.checkRules} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (m *Mapping) checkDatum() error {
	if m.Datum == "" {
		return nil // asked for when the file is open, with what the file itself says
	}
	if d, err := geo.ParseDatum(m.Datum); err == nil {
		m.datum = d
		return nil
	}
	if n, ok := parseEPSG(m.Datum); ok {
		m.epsg = n
		return nil
	}
	return fmt.Errorf("datum: %q is unknown; use %s", m.Datum, DatumChoices)
}

func (m *Mapping) checkLocation() error {
	l := m.Location
	columns := l.X != "" || l.Y != ""
	switch {
	case columns && (l.X == "" || l.Y == ""):
		return errors.New("[location]: x and y go together")
	case count(columns, l.Geometry, l.None) > 1:
		return errors.New("[location]: give x and y, or geometry = true, not several")
	case l.None && m.kind != layers.KindPlace:
		return errors.New("[location]: none is for places alone; a person, site or event needs a location")
	case !columns && !l.Geometry && !l.None:
		return errors.New("[location]: say where the location is: x and y (columns), geometry = true (the file's own)" +
			", or for places none = true")
	case columns && m.kind == layers.KindPlace:
		return errors.New("[location]: a place's boundary comes from the file's geometry; x and y are a point")
	}
	return nil
}

func (m *Mapping) checkKey() error {
	switch {
	case m.kind == layers.KindPlace && (len(m.Key) > 0 || m.ContentKey):
		return errors.New("key: a place is identified by its code and validity; leave key out")
	case m.kind == layers.KindPlace:
		return nil
	case len(m.Key) > 0 == m.ContentKey:
		return errors.New(`key: give the columns that identify a row (key = ["ID"]), or contentKey = true when none do`)
	}
	return nil
}

func (m *Mapping) checkFields() error {
	known := targets[m.kind]
	for name, f := range m.Fields {
		if why := banned(m.kind, name); why != "" {
			return fmt.Errorf("fields.%s: %s", name, why)
		}
		t, ok := known[name]
		if !ok {
			return fmt.Errorf("fields.%s: a %s has no such field; it has %s", name, m.kind, fieldNames(known))
		}
		if err := f.check(t); err != nil {
			return fmt.Errorf("fields.%s: %w", name, err)
		}
		if t.value == valueTime && m.zone == nil && !f.bearsOffset() {
			return fmt.Errorf(`fields.%s: the time bears no offset, so a zone is needed: zone = "Asia/Shanghai"`, name)
		}
	}
	for name, t := range known {
		if _, ok := m.Fields[name]; t.required && !ok {
			return fmt.Errorf("fields.%s: is required for a %s", name, m.kind)
		}
	}
	if len(m.Attributes) > 0 && m.kind != layers.KindSite && m.kind != layers.KindEvent {
		return fmt.Errorf("attributes: only sites and events have them, a %s has not", m.kind)
	}
	for name, f := range m.Attributes {
		if why := banned(m.kind, name); why != "" {
			return fmt.Errorf("attributes.%s: %s", name, why)
		}
		if err := f.check(target{}); err != nil {
			return fmt.Errorf("attributes.%s: %w", name, err)
		}
	}
	for _, c := range m.columns() {
		if why := banned(m.kind, c); why != "" {
			return fmt.Errorf("column %q is read: %s", c, why)
		}
	}
	return nil
}

func (m *Mapping) checkRules() error {
	for i, r := range m.Refuse {
		switch {
		case r.Column == "":
			return fmt.Errorf("refuse %d: column is missing", i+1)
		case (r.Equals == nil) == (len(r.In) == 0):
			return fmt.Errorf("refuse %d: give equals or in", i+1)
		case r.As == "":
			return fmt.Errorf(`refuse %d: as is missing: the class under which such rows are counted, e.g. as = "no location"`, i+1)
		}
	}
	return nil
}

// columns are all that the mapping reads, sorted, each once.
func (m *Mapping) columns() []string {
	out := slices.Clone(m.Key)
	out = append(out, m.Location.X, m.Location.Y)
	for _, r := range m.Refuse {
		out = append(out, r.Column)
		for c := range r.And {
			out = append(out, c)
		}
	}
	for _, fields := range []map[string]Field{m.Fields, m.Attributes} {
		for _, f := range fields {
			out = append(out, f.reads()...)
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(c string) bool { return c == "" })
}

func count(conditions ...bool) int {
	n := 0
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}
