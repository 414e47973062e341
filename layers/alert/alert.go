// Package alert takes in warnings of the Common Alerting Protocol (OASIS CAP 1.2, and 1.1 which it extends): reads them
// with care, keeps which of them hold, and tells which places they touch.
package alert

import (
	"time"

	"github.com/paulmach/orb"
)

// Document is what a file or a post held.
type Document struct {
	Format  string // alert, atom, rss, edxl
	Alerts  []Message
	Refused []Refusal // alerts of a feed that are not what CAP asks for
	Links   []string  // alerts that the feed only names; they are not fetched
}

// Refusal says which alert of a feed was not taken, and why.
type Refusal struct {
	At         int    // from 1, in the order of the feed
	Identifier string // "" when it has none
	Reason     string
}

// Reference names a message: an identifier is unique only together with its sender and time.
type Reference struct {
	Sender     string    `json:"sender"`
	Identifier string    `json:"identifier"`
	Sent       time.Time `json:"sent"`
}

// Message is one CAP alert message.
type Message struct {
	Reference
	Status      string // Actual, Exercise, System, Test, Draft
	Type        string // Alert, Update, Cancel, Ack, Error
	Scope       string // Public, Restricted, Private
	Note        string
	References  []Reference
	Infos       []Info
	Signed      bool     // it bears an XML signature; nothing is verified
	Notes       []string // what was put right or left out, in words
	Digest      [32]byte // SHA-256 of what was read of it
	vertices    int
	shapes      int
	areas       int
	parameters  int
	unspecified bool // some element that CAP does not know was left out
}

// Info is a message's part in one language, or for one stage of a hazard.
type Info struct {
	Language    string     `json:"language"` // BCP 47; en-US when it does not say
	Categories  []string   `json:"categories"`
	Event       string     `json:"event"`
	Responses   []string   `json:"responses"` // what to do, in CAP's words: Shelter, Evacuate …
	Urgency     string     `json:"urgency"`
	Severity    string     `json:"severity"`
	Certainty   string     `json:"certainty"`
	Audience    string     `json:"audience,omitempty"`
	Codes       []Value    `json:"codes,omitempty"`
	Effective   *time.Time `json:"effective,omitempty"`
	Onset       *time.Time `json:"onset,omitempty"`
	Expires     *time.Time `json:"expires,omitempty"`
	SenderName  string     `json:"senderName,omitempty"`
	Headline    string     `json:"headline,omitempty"`
	Description string     `json:"description,omitempty"`
	Instruction string     `json:"instruction,omitempty"`
	Web         string     `json:"web,omitempty"`
	Contact     string     `json:"contact,omitempty"`
	Parameters  []Value    `json:"parameters,omitempty"`
	Resources   []Resource `json:"resources,omitempty"`
	Areas       []Area     `json:"-"`
}

// Value is a code of some list, named by the list.
type Value struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Resource names a file; it is not fetched, and one that comes within the message is not kept.
type Resource struct {
	Description string `json:"description"`
	Type        string `json:"type"`
	URI         string `json:"uri,omitempty"`
}

// Area is where an info holds: the union of its polygons, circles and geocodes. All on WGS 84, as CAP has it.
type Area struct {
	Description string
	Polygons    orb.MultiPolygon
	Points      orb.MultiPoint // circles without a radius
	Geocodes    []Value
}

// The words that CAP knows, in its own order: of severity, urgency and certainty the gravest first.
var (
	Statuses    = []string{"Actual", "Exercise", "System", "Test", "Draft"}
	Types       = []string{"Alert", "Update", "Cancel", "Ack", "Error"}
	Scopes      = []string{"Public", "Restricted", "Private"}
	Categories  = []string{"Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"}
	Responses   = []string{"Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"}
	Urgencies   = []string{"Immediate", "Expected", "Future", "Past", "Unknown"}
	Severities  = []string{"Extreme", "Severe", "Moderate", "Minor", "Unknown"}
	Certainties = []string{"Observed", "Likely", "Possible", "Unlikely", "Unknown"}
)

// Lasting is how long a message holds of which no part says when it expires.
const Lasting = 24 * time.Hour

// Begins is when the first of its parts takes effect.
func (m *Message) Begins() time.Time {
	at := m.Sent
	for i := range m.Infos {
		if e := m.Infos[i].Effective; e != nil && (i == 0 || e.Before(at)) {
			at = *e
		}
	}
	return at
}

// Ends is when the last of its parts expires that say when; zero when it has no part.
func (m *Message) Ends() time.Time {
	var at time.Time
	for i := range m.Infos {
		if x := m.Infos[i].Expires; x != nil && x.After(at) {
			at = *x
		}
	}
	if at.IsZero() && len(m.Infos) > 0 {
		at = m.Sent.Add(Lasting)
	}
	return at
}

// Severity is the gravest among its parts.
func (m *Message) Severity() string {
	gravest := len(Severities) - 1
	for i := range m.Infos {
		for n, s := range Severities {
			if s == m.Infos[i].Severity {
				gravest = min(gravest, n)
			}
		}
	}
	return Severities[gravest]
}
