package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
	"onepicture/layers/audit"
	"onepicture/layers/dispatch"
	"onepicture/layers/store"
)

// DispatchRules are rules of dispatch by number.
type DispatchRules struct {
	Rules []DispatchRule `json:"rules"`
}

// DispatchRule says to whom an event goes: item × place × time → unit or worker.
type DispatchRule struct {
	ID        int32            `json:"id"`
	Item      Maybe[RuleItem]  `json:"item" doc:"null: any of the category"`
	Category  *string          `json:"category" doc:"Code; null with no item: any event"`
	Place     Maybe[PlaceRef]  `json:"place" doc:"With all below it; null: everywhere"`
	Hours     string           `json:"hours" enum:"any,work,night,holiday" doc:"work: working hours of a working day; night: its other hours; holiday: another day"`
	Unit      UnitRef          `json:"unit"`
	Worker    Maybe[WorkerRef] `json:"worker" doc:"null: the unit as a whole"`
	Automatic bool             `json:"automatic" doc:"What is accepted is dispatched at once"`
	Note      *string          `json:"note"`
	MadeAt    time.Time        `json:"madeAt"`
	MadeBy    string           `json:"madeBy"`
	EndedAt   *time.Time       `json:"endedAt" doc:"null: it stands"`
}

// RuleItem is a rule's item.
type RuleItem struct {
	Code string `json:"code"`
	Named
}

// RuleBody is a rule to add, in codes.
type RuleBody struct {
	Item      string `json:"item,omitempty" maxLength:"60"`
	Category  string `json:"category,omitempty" maxLength:"60" doc:"Only without an item"`
	Place     string `json:"place,omitempty" maxLength:"20" doc:"Empty: everywhere"`
	Hours     string `json:"hours,omitempty" enum:"any,work,night,holiday"`
	Unit      string `json:"unit,omitempty" maxLength:"60"`
	Worker    int32  `json:"worker,omitempty" minimum:"0" doc:"0: the unit as a whole"`
	Automatic bool   `json:"automatic,omitempty"`
	Note      string `json:"note,omitempty" maxLength:"500"`
}

// RuleAdded is the number of a new rule.
type RuleAdded struct {
	ID int32 `json:"id"`
}

// Ruling is which rule acts, and which would if it were not there.
type Ruling struct {
	Hours string              `json:"hours" enum:"work,night,holiday" doc:"What kind of time it is"`
	Acts  Maybe[DispatchRule] `json:"acts" doc:"null: none"`
	Next  []DispatchRule      `json:"next" doc:"The next first"`
}

// TryBody asks which rule would act.
type TryBody struct {
	Item     string     `json:"item,omitempty" maxLength:"60"`
	Category string     `json:"category,omitempty" maxLength:"60" doc:"May be left out when an item is given"`
	Place    string     `json:"place,omitempty" maxLength:"20"`
	At       *time.Time `json:"at,omitempty" doc:"Default: now"`
}

const (
	ruleFileRoute = "/api/dispatch/file"
	maxRuleFile   = 512 << 10 // 60,000 characters, most of them Chinese, as JSON
)

// RuleFile is a file of rules as CSV in UTF-8: docs/dispatch.md.
type RuleFile struct {
	CSV   string `json:"csv" maxLength:"60000"`
	Trial bool   `json:"trial,omitempty" doc:"Only look for faults"`
}

// RuleReport is what became of a file of rules. When there is a fault nothing was written.
type RuleReport struct {
	Read   int         `json:"read"`
	Added  int         `json:"added"`
	Known  int         `json:"known" doc:"One for the same item, place and time stands: left as it is"`
	Faults []RuleFault `json:"faults"`
}

// RuleFault is one error of a file.
type RuleFault struct {
	Line   int    `json:"line"`
	Column string `json:"column"`
	Words  string `json:"words"`
}

type rulesInput struct {
	All bool `query:"all" doc:"With those that ended"`
}

type ruleInput struct{ Body RuleBody }

type endRuleInput struct {
	ID int32 `path:"id" minimum:"1"`
}

type tryInput struct{ Body TryBody }

type ruleFileInput struct{ Body RuleFile }

func (s *Server) ruleRoutes(a huma.API) {
	refusals := []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	handle(a, get("rules", "/api/dispatch/rules", "Rules of dispatch"), s, s.rules)
	handle(a, huma.Operation{
		OperationID: "addRule", Method: http.MethodPost, Path: "/api/dispatch/rules", Summary: "Add a rule of dispatch", Errors: refusals,
		DefaultStatus: http.StatusCreated, Description: "409: one for the same item, place and time stands.",
	}, s, s.addRule)
	handle(a, huma.Operation{
		OperationID: "endRule", Method: http.MethodDelete, Path: "/api/dispatch/rules/{id}", Summary: "End a rule of dispatch", Errors: refusals,
		Description: "It is kept as ended; what was dispatched by it stays.",
	}, s, s.endRule)
	handle(a, as(huma.Operation{
		OperationID: "tryRules", Method: http.MethodPost, Path: "/api/dispatch/try", Summary: "Which rule would act for an item, place and time", Errors: refusals,
	}, audit.Read), s, s.tryRules)
	handle(a, get("ruleFile", ruleFileRoute, "The rules that stand, as CSV"), s, s.ruleFile)
	handle(a, huma.Operation{
		OperationID: "importRules", Method: http.MethodPost, Path: ruleFileRoute, MaxBodyBytes: maxRuleFile, Summary: "Add the rules of a CSV file", Errors: refusals,
		Description: "All faults are told at once, and then nothing is written.",
	}, s, s.importRules)
}

func dispatchRule(w *store.World, r *dispatch.Rule) DispatchRule {
	v := DispatchRule{
		ID: r.ID, Category: maybeString(r.Category), Place: maybePlace(w.Tree, r.Place), Hours: r.Hours, Unit: unitRef(r.Unit),
		Automatic: r.Automatic, Note: maybeString(r.Note), MadeAt: utc(r.MadeAt), MadeBy: r.MadeBy, EndedAt: maybeTime(r.EndedAt),
	}
	if r.Item != "" {
		item := RuleItem{Code: r.Item, Named: Named{Name: r.Item}}
		if it := w.Catalogue.ItemByCode(r.Item); it != nil {
			item.Named = Named{it.Name, it.NameEn}
		}
		v.Item = Some(item)
	}
	if r.Worker != 0 {
		v.Worker = Some(WorkerRef{r.Worker, Named{r.Label, r.LabelEn}})
	}
	return v
}

func dispatchRules(w *store.World, list []dispatch.Rule) []DispatchRule {
	out := []DispatchRule{}
	for i := range list {
		out = append(out, dispatchRule(w, &list[i]))
	}
	return out
}

func (s *Server) rules(ctx context.Context, scope layers.Scope, in *rulesInput) (*body[DispatchRules], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	list, err := s.Desk.Rules(ctx, scope, in.All)
	if err != nil {
		return nil, err
	}
	return &body[DispatchRules]{DispatchRules{dispatchRules(w, list)}}, nil
}

func (s *Server) addRule(ctx context.Context, scope layers.Scope, in *ruleInput) (*body[RuleAdded], error) {
	id, err := s.Desk.AddRule(ctx, scope, dispatch.NewRule(in.Body))
	if err != nil {
		return nil, err
	}
	return &body[RuleAdded]{RuleAdded{id}}, nil
}

func (s *Server) endRule(ctx context.Context, scope layers.Scope, in *endRuleInput) (*struct{}, error) {
	return nil, s.Desk.EndRule(ctx, scope, in.ID)
}

func (s *Server) tryRules(ctx context.Context, scope layers.Scope, in *tryInput) (*body[Ruling], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	place, err := placeOrAll(w, in.Body.Place)
	if err != nil {
		return nil, err
	}
	var at time.Time
	if in.Body.At != nil {
		at = *in.Body.At
	}
	r, err := s.Desk.Which(ctx, scope, in.Body.Item, in.Body.Category, place, at)
	if err != nil {
		return nil, err
	}
	out := Ruling{Hours: r.Hours, Next: dispatchRules(w, r.Next)}
	if r.Acts != nil {
		out.Acts = Some(dispatchRule(w, r.Acts))
	}
	return &body[Ruling]{out}, nil
}

func (s *Server) ruleFile(ctx context.Context, scope layers.Scope, _ *struct{}) (*body[RuleFile], error) {
	var b strings.Builder
	if err := s.Desk.ExportRules(ctx, scope, &b); err != nil {
		return nil, err
	}
	return &body[RuleFile]{RuleFile{CSV: b.String()}}, nil
}

func (s *Server) importRules(ctx context.Context, scope layers.Scope, in *ruleFileInput) (*body[RuleReport], error) {
	r, err := s.Desk.ImportRules(ctx, scope, in.Body.CSV, in.Body.Trial)
	if err != nil {
		return nil, err
	}
	out := RuleReport{Read: r.Read, Added: r.Added, Known: r.Known, Faults: []RuleFault{}}
	for _, f := range r.Faults {
		out.Faults = append(out.Faults, RuleFault(f))
	}
	return &body[RuleReport]{out}, nil
}
