package alert

import (
	"crypto/sha256"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"onepicture/layers"
)

// The namespaces that are read.
const (
	nsAtom = "http://www.w3.org/2005/Atom"
	nsEDXL = "urn:oasis:names:tc:emergency:EDXL:DE:1.0"
	nsSign = "http://www.w3.org/2000/09/xmldsig#"
)

var nsCAP = map[string]bool{"urn:oasis:names:tc:emergency:cap:1.2": true, "urn:oasis:names:tc:emergency:cap:1.1": true}

// maxLinks bounds the links that are told of a feed.
const maxLinks = 1000

// Parse reads a CAP alert, or an Atom feed, RSS feed or EDXL distribution that carries or links alerts. An error says
// that nothing of it can be used; in a feed, alerts that are not sound are set aside and the others taken. It reads at
// most MaxBytes and makes no request.
func Parse(r io.Reader) (Document, error) {
	p := parser{stream: newStream(r)}
	for {
		t, err := p.token()
		if err != nil {
			return Document{}, err
		}
		root, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		switch {
		case root.Name.Local == "alert" && nsCAP[root.Name.Space]:
			p.doc.Format = "alert"
			err = p.alert()
			if err == nil && len(p.doc.Refused) > 0 {
				err = p.first
			}
		case root.Name == xml.Name{Space: nsAtom, Local: "feed"}:
			p.doc.Format = "atom"
			err = p.feed()
		case root.Name.Local == "rss" && root.Name.Space == "":
			p.doc.Format = "rss"
			err = p.feed()
		case root.Name == xml.Name{Space: nsEDXL, Local: "EDXLDistribution"}:
			p.doc.Format = "edxl"
			err = p.feed()
		case root.Name.Local == "alert":
			err = refuse("this is an alert, but not of CAP 1.1 or 1.2: its namespace is another")
		default:
			err = refuse("this is neither a CAP alert nor an Atom, RSS or EDXL feed of alerts")
		}
		if err == nil {
			err = p.end()
		}
		if err != nil {
			return Document{}, err
		}
		return p.doc, nil
	}
}

type parser struct {
	*stream
	doc   Document
	first error // why the first alert was refused
	n     int
}

// end makes sure that nothing follows the root element.
func (p *parser) end() error {
	for {
		t, err := p.d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return p.problem(err)
		}
		switch t := t.(type) {
		case xml.StartElement, xml.Directive:
			return refuse("something follows the document's last element")
		case xml.CharData:
			if strings.TrimSpace(string(t)) != "" {
				return refuse("something follows the document's last element")
			}
		}
	}
}

// feed looks for alerts in any depth, and for links of the entries that carry none.
func (p *parser) feed() error {
	return p.each(func(e xml.StartElement) error {
		switch {
		case e.Name.Local == "alert" && nsCAP[e.Name.Space]:
			return p.alert()
		case e.Name == xml.Name{Space: nsAtom, Local: "entry"}, e.Name == xml.Name{Local: "item"}:
			return p.entry()
		}
		return p.feed()
	})
}

func (p *parser) entry() error {
	before := p.n
	link := ""
	err := p.each(func(e xml.StartElement) error {
		switch {
		case e.Name == xml.Name{Space: nsAtom, Local: "link"}:
			rel, kind, href := attribute(e, "rel"), attribute(e, "type"), attribute(e, "href")
			if kind == "application/cap+xml" || link == "" && (rel == "" || rel == "alternate") {
				link = href
			}
			return p.skip()
		case e.Name == xml.Name{Local: "link"}:
			text, err := p.text("link", maxWords)
			if text != "" {
				link = text
			}
			return err
		case e.Name.Local == "alert" && nsCAP[e.Name.Space]:
			return p.alert()
		}
		return p.feed()
	})
	if err == nil && p.n == before && link != "" && len(link) <= maxWords && len(p.doc.Links) < maxLinks {
		p.doc.Links = append(p.doc.Links, link)
	}
	return err
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

// alert reads one message to its end. What is wrong with the message sets it aside; an error is of the document.
func (p *parser) alert() error {
	p.n++
	var m Message
	var wrong *layers.Error
	broken := p.message(&m, func(err *layers.Error) {
		if wrong == nil {
			wrong = err
		}
	})
	if broken != nil {
		return broken
	}
	if wrong == nil {
		wrong = m.check()
	}
	if wrong != nil {
		if p.first == nil {
			p.first = wrong
		}
		identifier := m.Identifier
		if len(identifier) > 200 {
			identifier = ""
		}
		p.doc.Refused = append(p.doc.Refused, Refusal{p.n, identifier, wrong.Error()})
		return nil
	}
	if m.unspecified {
		m.Notes = append(m.Notes, "elements that CAP does not know were left out")
	}
	seen, err := json.Marshal([]any{m.Reference, m.Status, m.Type, m.Scope, m.Note, m.References, m.Infos, m.areasOf()})
	if err != nil {
		return refuse("it holds a number that cannot be kept")
	}
	m.Digest = sha256.Sum256(seen)
	p.doc.Alerts = append(p.doc.Alerts, m)
	return nil
}

func (m *Message) areasOf() [][]Area {
	out := make([][]Area, len(m.Infos))
	for i := range m.Infos {
		out[i] = m.Infos[i].Areas
	}
	return out
}
