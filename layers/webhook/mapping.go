package webhook

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"onepicture/layers"
)

// Mapping says where the fields of a report stand in a message. A text that begins with "/" is a JSON pointer (RFC 6901);
// every other text stands for itself.
type Mapping struct {
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
	Category    string `json:"category,omitempty"`
	Item        string `json:"item,omitempty"`
	Level       string `json:"level,omitempty"`
	Lon         string `json:"lon"`
	Lat         string `json:"lat"`
	Datum       string `json:"datum"` // never guessed
	Address     string `json:"address,omitempty"`
	ReportedAt  string `json:"reportedAt,omitempty"`
	Source      string `json:"source,omitempty"` // code of a known feed
	// Codes are the other system's words for categories, items and levels, and ours.
	Codes map[string]string `json:"codes,omitempty"`
}

// Report is what a message says.
type Report struct {
	Title, Description, Category, Item, Datum, Address, Source string
	Level                                                      uint8
	Lon, Lat                                                   float64
	ReportedAt                                                 time.Time
}

// Check refuses a mapping that can give no report.
func (m Mapping) Check() error {
	for _, x := range []struct{ field, text string }{{"title", m.Title}, {"lon", m.Lon}, {"lat", m.Lat}, {"datum", m.Datum}} {
		if x.text == "" {
			return layers.Invalid("mapping."+x.field, "is missing")
		}
	}
	if m.Category == "" && m.Item == "" {
		return layers.Invalid("mapping.category", "is missing: map a category or an item")
	}
	return nil
}

// Apply reads a message. The error names the field and quotes nothing.
func (m Mapping) Apply(body []byte) (Report, error) {
	var sent any
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	if err := d.Decode(&sent); err != nil {
		return Report{}, layers.Invalid("body", "is not JSON")
	}
	var r Report
	var wrong error
	text := func(field, pointer string) string {
		if !strings.HasPrefix(pointer, "/") {
			return pointer
		}
		v, ok := at(sent, pointer)
		if !ok && wrong == nil && (field == "title" || field == "lon" || field == "lat") {
			wrong = layers.Invalid(field, "is not at its place in the message")
		}
		return v
	}
	ours := func(field, pointer string) string {
		v := text(field, pointer)
		if code, ok := m.Codes[v]; ok {
			return code
		}
		return v
	}
	number := func(field, pointer string) float64 {
		n, err := strconv.ParseFloat(text(field, pointer), 64)
		if err != nil && wrong == nil {
			wrong = layers.Invalid(field, "is no number in the message")
		}
		return n
	}
	r.Title, r.Description, r.Address = text("title", m.Title), text("description", m.Description), text("address", m.Address)
	r.Category, r.Item, r.Datum, r.Source = ours("category", m.Category), ours("item", m.Item), ours("datum", m.Datum), m.Source
	r.Lon, r.Lat = number("lon", m.Lon), number("lat", m.Lat)
	if level := ours("level", m.Level); level != "" {
		n, err := strconv.ParseUint(level, 10, 8)
		if err != nil && wrong == nil {
			wrong = layers.Invalid("level", "is none of 1 to 4 in the message")
		}
		r.Level = uint8(n)
	}
	if t := text("reportedAt", m.ReportedAt); t != "" {
		var err error
		if r.ReportedAt, err = time.Parse(time.RFC3339, t); err != nil && wrong == nil {
			wrong = layers.Invalid("reportedAt", "is no time with its zone in the message")
		}
	}
	return r, wrong
}

// at is the text of what a JSON pointer names: a string, a number or a truth value.
func at(v any, pointer string) (string, bool) {
	for _, token := range strings.Split(pointer[1:], "/") {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		switch x := v.(type) {
		case map[string]any:
			inner, ok := x[token]
			if !ok {
				return "", false
			}
			v = inner
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(x) {
				return "", false
			}
			v = x[i]
		default:
			return "", false
		}
	}
	switch x := v.(type) {
	case string:
		return x, true
	case json.Number, bool:
		return fmt.Sprint(x), true
	}
	return "", false
}
