package alert

import (
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"onepicture/layers"
)

// Limits of one message.
const (
	maxInfos      = 50
	maxAreas      = 500
	maxShapes     = 2_000 // polygons and circles
	maxVertices   = 50_000
	maxValues     = 10_000 // codes, parameters and geocodes
	maxResources  = 100
	maxReferences = 200
)

// message reads an alert's elements to the end. Faults of the message are told to fault and reading goes on, so that the
// next alert of a feed is found; the error is of the document.
func (p *parser) message(m *Message, fault func(*layers.Error)) error {
	r := &reading{p, m, fault}
	return p.each(func(e xml.StartElement) error {
		if e.Name.Space == nsSign && e.Name.Local == "Signature" {
			m.Signed = true
			return p.skip()
		}
		if !nsCAP[e.Name.Space] {
			m.unspecified = true
			return p.skip()
		}
		switch e.Name.Local {
		case "identifier":
			return r.words("identifier", &m.Identifier)
		case "sender":
			return r.words("sender", &m.Sender)
		case "sent":
			return r.time("sent", func(t time.Time) { m.Sent = t })
		case "status":
			return r.one("status", &m.Status, Statuses)
		case "msgType":
			return r.one("msgType", &m.Type, Types)
		case "scope":
			return r.one("scope", &m.Scope, Scopes)
		case "note":
			return r.words("note", &m.Note)
		case "references":
			return r.references()
		case "info":
			return r.info()
		case "password", "source", "restriction", "addresses", "code", "incidents": // told to systems, not to people
			return p.skip()
		}
		m.unspecified = true
		return p.skip()
	})
}

// reading is a message under way.
type reading struct {
	*parser
	m     *Message
	fault func(*layers.Error)
}

// soft tells a fault of the message and lets reading go on.
func (r *reading) soft(err error) error {
	var ours *layers.Error
	if errors.As(err, &ours) && ours.Field != "" {
		r.fault(ours)
		return nil
	}
	return err
}

func (r *reading) words(field string, into *string) error {
	text, err := r.text(field, maxWords)
	*into = text
	return r.soft(err)
}

func (r *reading) long(field string, into *string) error {
	text, err := r.text(field, maxText)
	*into = text
	return r.soft(err)
}

// one is one of the words that CAP knows, in any case.
func (r *reading) one(field string, into *string, of []string) error {
	text, err := r.text(field, maxWords)
	if err != nil {
		return r.soft(err)
	}
	for _, w := range of {
		if strings.EqualFold(w, text) {
			*into = w
			return nil
		}
	}
	if text == "Very Likely" && field[strings.LastIndexByte(field, '.')+1:] == "certainty" { // CAP 1.0's word
		*into = "Likely"
		return nil
	}
	what := "is none of"
	if text == "" {
		what = "is empty; give one of"
	}
	r.fault(layers.Invalid(field, "%s %s", what, strings.Join(of, ", ")))
	return nil
}

func (r *reading) time(field string, into func(time.Time)) error {
	text, err := r.text(field, maxWords)
	if err != nil {
		return r.soft(err)
	}
	t, err := parseTime(text)
	if err != nil {
		r.fault(layers.Invalid(field, "is not a time with its zone, such as 2026-05-04T12:00:00+08:00"))
		return nil
	}
	into(t)
	return nil
}

// parseTime reads CAP's times: with a zone always, for a clock without one has no meaning elsewhere.
func parseTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err == nil && (t.Year() < 1970 || t.Year() > 9000) {
		err = errors.New("out of range")
	}
	return t.UTC(), err
}

// references are triples "sender,identifier,sent" with blanks between.
func (r *reading) references() error {
	text, err := r.text("references", maxText)
	if err != nil {
		return r.soft(err)
	}
	for _, triple := range strings.Fields(text) {
		parts := strings.Split(triple, ",")
		if len(parts) != 3 || parts[0] == "" || parts[1] == "" {
			r.fault(layers.Invalid("references", "are not of the form sender,identifier,sent"))
			return nil
		}
		sent, err := parseTime(parts[2])
		if err != nil {
			r.fault(layers.Invalid("references", "hold a time that is none"))
			return nil
		}
		if len(r.m.References) == maxReferences {
			r.fault(layers.Invalid("references", "are more than %d", maxReferences))
			return nil
		}
		r.m.References = append(r.m.References, Reference{parts[0], parts[1], sent})
	}
	return nil
}

func (r *reading) info() error {
	if len(r.m.Infos) == maxInfos {
		r.fault(layers.Invalid("info", "stands there more than %d times", maxInfos))
		return r.skip()
	}
	at := fmt.Sprintf("info[%d].", len(r.m.Infos))
	in := Info{Language: "en-US", Categories: []string{}, Responses: []string{}}
	moment := func(into **time.Time) func(time.Time) { return func(t time.Time) { *into = &t } }
	err := r.each(func(e xml.StartElement) error {
		if !nsCAP[e.Name.Space] {
			r.m.unspecified = true
			return r.skip()
		}
		field := at + e.Name.Local
		switch e.Name.Local {
		case "language":
			return r.language(field, &in)
		case "category":
			return r.add(field, &in.Categories, Categories)
		case "event":
			return r.words(field, &in.Event)
		case "responseType":
			return r.add(field, &in.Responses, Responses)
		case "urgency":
			return r.one(field, &in.Urgency, Urgencies)
		case "severity":
			return r.one(field, &in.Severity, Severities)
		case "certainty":
			return r.one(field, &in.Certainty, Certainties)
		case "audience":
			return r.words(field, &in.Audience)
		case "eventCode":
			return r.value(field, &in.Codes)
		case "effective":
			return r.time(field, moment(&in.Effective))
		case "onset":
			return r.time(field, moment(&in.Onset))
		case "expires":
			return r.time(field, moment(&in.Expires))
		case "senderName":
			return r.words(field, &in.SenderName)
		case "headline":
			return r.words(field, &in.Headline)
		case "description":
			return r.long(field, &in.Description)
		case "instruction":
			return r.long(field, &in.Instruction)
		case "web":
			return r.words(field, &in.Web)
		case "contact":
			return r.words(field, &in.Contact)
		case "parameter":
			return r.value(field, &in.Parameters)
		case "resource":
			return r.resource(field, &in)
		case "area":
			return r.area(at, &in)
		}
		r.m.unspecified = true
		return r.skip()
	})
	r.m.Infos = append(r.m.Infos, in)
	return err
}

func (r *reading) language(field string, in *Info) error {
	text, err := r.text(field, maxWords)
	if err != nil {
		return r.soft(err)
	}
	if text != "" && len(text) <= 40 {
		in.Language = text
	}
	return nil
}

func (r *reading) add(field string, into *[]string, of []string) error {
	word := ""
	if err := r.one(field, &word, of); err != nil || word == "" || slices.Contains(*into, word) {
		return err
	}
	*into = append(*into, word)
	return nil
}

// value is a pair of valueName and value.
func (r *reading) value(field string, into *[]Value) error {
	var v Value
	err := r.each(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "valueName":
			return r.words(field+".valueName", &v.Name)
		case "value":
			return r.words(field+".value", &v.Value)
		}
		return r.skip()
	})
	if err != nil {
		return err
	}
	if r.m.parameters++; r.m.parameters > maxValues {
		r.fault(layers.Invalid(field, "is one of more than %d codes", maxValues))
		return nil
	}
	*into = append(*into, v)
	return nil
}

func (r *reading) resource(field string, in *Info) error {
	var x Resource
	err := r.each(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "resourceDesc":
			return r.words(field+".resourceDesc", &x.Description)
		case "mimeType":
			return r.words(field+".mimeType", &x.Type)
		case "uri":
			return r.words(field+".uri", &x.URI)
		case "derefUri":
			if !slices.Contains(r.m.Notes, noteInside) {
				r.m.Notes = append(r.m.Notes, noteInside)
			}
		}
		return r.skip()
	})
	if err != nil {
		return err
	}
	if len(in.Resources) == maxResources {
		r.fault(layers.Invalid(field, "stands there more than %d times", maxResources))
		return nil
	}
	in.Resources = append(in.Resources, x)
	return nil
}

const noteInside = "a file within the message was not kept"

// check looks at the message as a whole.
func (m *Message) check() *layers.Error {
	for _, x := range []struct{ field, text string }{{"identifier", m.Identifier}, {"sender", m.Sender}} {
		switch {
		case x.text == "":
			return layers.Invalid(x.field, "is missing")
		case strings.ContainsAny(x.text, " \t\r\n,<&"):
			return layers.Invalid(x.field, "holds a blank, a comma, < or &, which CAP does not allow")
		case len(x.text) > 1000:
			return layers.Invalid(x.field, "is longer than 1000 bytes")
		}
	}
	if m.Sent.IsZero() {
		return layers.Invalid("sent", "is missing")
	}
	for _, x := range []struct{ field, text string }{{"status", m.Status}, {"msgType", m.Type}, {"scope", m.Scope}} {
		if x.text == "" {
			return layers.Invalid(x.field, "is missing")
		}
	}
	if len(m.References) == 0 {
		switch m.Type {
		case "Cancel":
			return layers.Invalid("references", "are missing: a Cancel must name what it cancels")
		case "Update":
			m.Notes = append(m.Notes, "it is an Update but names no message: nothing earlier is ended by it")
		}
	}
	for i := range m.Infos {
		if err := m.Infos[i].check(fmt.Sprintf("info[%d].", i)); err != nil {
			return err
		}
	}
	if len(m.Infos) == 0 && (m.Type == "Alert" || m.Type == "Update") {
		m.Notes = append(m.Notes, "it has no info: there is nothing to show")
	}
	return nil
}

func (in *Info) check(at string) *layers.Error {
	if len(in.Categories) == 0 {
		return layers.Invalid(at+"category", "is missing")
	}
	for _, x := range []struct{ field, text string }{
		{"event", in.Event}, {"urgency", in.Urgency}, {"severity", in.Severity}, {"certainty", in.Certainty},
	} {
		if x.text == "" {
			return layers.Invalid(at+x.field, "is missing")
		}
	}
	return nil
}
