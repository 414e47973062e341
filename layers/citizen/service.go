package citizen

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	servicesSQL   = sql.Text("citizen/services.sql")
	putServiceSQL = sql.Text("citizen/put_service.sql")
)

// Service is an item of the event catalogue as citizens may report it.
type Service struct {
	Offered    bool
	Attributes []Attribute
}

// Attribute is one more question, in the words of Open311's service definitions.
type Attribute struct {
	Code        string  `json:"code"`
	Type        string  `json:"type"` // string, number, datetime, text, singlevaluelist, multivaluelist
	Required    bool    `json:"required"`
	Label       string  `json:"label"`
	LabelEn     string  `json:"labelEn,omitempty"`
	Hint        string  `json:"hint,omitempty"`
	Values      []Value `json:"values,omitempty"`
	Informative bool    `json:"informative,omitempty"` // a text to read, not a question
}

// Value is one of those that a list offers.
type Value struct {
	Key    string `json:"key"`
	Name   string `json:"name"`
	NameEn string `json:"nameEn,omitempty"`
}

// AttributeTypes are those of Open311.
var AttributeTypes = []string{"string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"}

// Services are those that differ from the default, by the item's code: offered, without a question.
func (c *Counter) Services(ctx context.Context) (map[string]Service, error) {
	rows, err := c.pool.Query(ctx, servicesSQL)
	if err != nil {
		return nil, ledger.Problem("services", err)
	}
	out := map[string]Service{}
	var code string
	var s Service
	var attributes []byte
	_, err = pgx.ForEachRow(rows, []any{&code, &s.Offered, &attributes}, func() error {
		s.Attributes = nil
		if err := json.Unmarshal(attributes, &s.Attributes); err != nil {
			return err
		}
		out[code] = s
		return nil
	})
	return out, ledger.Problem("services", err)
}

// SetService says how citizens may report an item.
func (c *Counter) SetService(ctx context.Context, scope layers.Scope, item string, s Service) (layers.Position, error) {
	if !scope.Rights.Has(layers.RightCatalogue) {
		return 0, layers.Forbidden("this account may not change what citizens can report")
	}
	seen := map[string]bool{}
	if len(s.Attributes) > 50 {
		return 0, layers.Invalid("attributes", "are more than 50")
	}
	for i, a := range s.Attributes {
		at := fmt.Sprintf("attributes[%d].", i)
		list := a.Type == "singlevaluelist" || a.Type == "multivaluelist"
		switch {
		case a.Code == "" || len(a.Code) > 60 || seen[a.Code]:
			return 0, layers.Invalid(at+"code", "is missing, too long or there twice")
		case !slices.Contains(AttributeTypes, a.Type):
			return 0, layers.Invalid(at+"type", "is none of Open311's")
		case a.Label == "" || utf8.RuneCountInString(a.Label) > 200:
			return 0, layers.Invalid(at+"label", "is missing or too long")
		case list != (len(a.Values) > 0) || len(a.Values) > 200:
			return 0, layers.Invalid(at+"values", "are for lists, which have 1 to 200")
		}
		seen[a.Code] = true
	}
	attributes, err := json.Marshal(append([]Attribute{}, s.Attributes...))
	if err != nil {
		return 0, fmt.Errorf("write attributes: %w", err)
	}
	r, err := c.owner.Write(ctx, ledger.Act{Actor: scope.Actor, Reason: "citizen service"}, func(tx *ledger.Tx) error {
		if _, err := tx.Exec(ctx, putServiceSQL, item, s.Offered, attributes); err != nil {
			return fmt.Errorf("put the service: %w", err)
		}
		tx.Record(layers.Change{Kind: layers.KindCatalogue, Op: layers.OpPut, FeatureID: 0, Fields: []string{"citizen_service"}})
		return nil
	})
	return r.Position, ledger.Problem("service", err)
}

// Answers checks what a citizen answered to the questions. The error names the attribute.
func (s Service) Answers(given map[string][]string) error {
	for code := range given {
		if !slices.ContainsFunc(s.Attributes, func(a Attribute) bool { return a.Code == code && !a.Informative }) {
			return layers.Invalid("attribute["+code+"]", "is not asked for this service")
		}
	}
	for _, a := range s.Attributes {
		values := given[a.Code]
		field := "attribute[" + a.Code + "]"
		if a.Required && !a.Informative && (len(values) == 0 || values[0] == "") {
			return layers.Invalid(field, "is required")
		}
		if len(values) > 1 && a.Type != "multivaluelist" {
			return layers.Invalid(field, "takes one value")
		}
		for _, v := range values {
			if why := a.refuses(v); v != "" && why != "" {
				return layers.Invalid(field, "%s", why)
			}
		}
	}
	return nil
}

func (a Attribute) refuses(v string) string {
	if !utf8.ValidString(v) || utf8.RuneCountInString(v) > 2000 {
		return "is no text of at most 2000 characters"
	}
	switch a.Type {
	case "number":
		if _, err := strconv.ParseFloat(v, 64); err != nil {
			return "is no number"
		}
	case "datetime":
		if _, err := time.Parse(time.RFC3339, v); err != nil {
			return "is no time with its zone"
		}
	case "singlevaluelist", "multivaluelist":
		if !slices.ContainsFunc(a.Values, func(x Value) bool { return x.Key == v }) {
			return "is none of the keys of its list"
		}
	}
	return ""
}
