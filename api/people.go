package api

import (
	"context"
	"fmt"
	"math/bits"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
	"onepicture/layers/audit"
	"onepicture/layers/index"
	"onepicture/layers/personal"
	"onepicture/layers/store"
)

// People reads records of persons (layers/personal.People).
type People interface {
	Find(ctx context.Context, scope layers.Scope, ids []int64) (map[int64]personal.Person, error)
	Full(ctx context.Context, scope layers.Scope, id int64) (personal.Person, *personal.Grant, error)
	May(ctx context.Context, scope layers.Scope, id int64, g personal.Grant) error
	Stated(ctx context.Context, g personal.Grant) error
	Give(ctx context.Context, scope layers.Scope, id int64, g personal.Grant) (personal.Grant, error)
	Search(ctx context.Context, scope layers.Scope, c personal.Column, value string, outside bool) ([]personal.Person, error)
	Purposes(ctx context.Context) ([]personal.Purpose, error)
}

// Person is a resident record. Unless it is shown in full, its texts show only their form.
type Person struct {
	ID        int64           `json:"id"`
	Full      bool            `json:"full" doc:"The texts are shown in full, until the time given"`
	Until     *time.Time      `json:"until"`
	Purpose   *string         `json:"purpose" doc:"For which it is shown in full"`
	Name      string          `json:"name" example:"王**"`
	IDNumber  string          `json:"idNumber" example:"4****************8"`
	Phone     string          `json:"phone" example:"138****1234"`
	Home      string          `json:"home" example:"****"`
	Gender    string          `json:"gender" enum:"unknown,male,female,not_stated"`
	Age       *int            `json:"age"`
	Birth     *string         `json:"birth" format:"date" doc:"null unless it is shown in full"`
	Point     Maybe[LonLat]   `json:"point" doc:"null unless it is shown in full"`
	Class     string          `json:"class"`
	Needs     []string        `json:"needs" doc:"Codes of care needs"`
	Place     Maybe[PlaceRef] `json:"place"`
	PlacePath string          `json:"placePath"`
	Source    Named           `json:"source"`
}

// PersonPage is a part of the list of a place's persons, the youngest first.
type PersonPage struct {
	People   []Person  `json:"people"`
	Next     *string   `json:"next" doc:"For before; null at the end"`
	Position string    `json:"position"`
	AsOf     time.Time `json:"asOf"`
}

// FoundPeople are the records with a number.
type FoundPeople struct {
	People []Person `json:"people"`
}

// PurposeStated says for what somebody wants to see a personal value.
type PurposeStated struct {
	Purpose string `json:"purpose" maxLength:"40" doc:"Code of a purpose"`
	Reason  string `json:"reason" maxLength:"500" doc:"In words"`
	Beyond  bool   `json:"beyond,omitempty" doc:"Break-glass: beyond the account's places. The auditor is alerted."`
}

// PersonSearch asks for the records with a number. It travels in a body, never in an address.
type PersonSearch struct {
	PurposeStated
	Field string `json:"field" enum:"idNumber,phone"`
	Value string `json:"value" minLength:"4" maxLength:"40"`
}

// Purposes are those for which a personal value may be shown.
type Purposes struct {
	Purposes []Purpose `json:"purposes"`
}

// Purpose is one of them.
type Purpose struct {
	Code string `json:"code"`
	Named
}

type peopleInput struct {
	Place  string `query:"place" required:"true" maxLength:"20" doc:"Code"`
	Layer  string `query:"layer" maxLength:"60" doc:"Code of a thematic layer of people; empty: all"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
	Before string `query:"before" maxLength:"40" doc:"next of the page before"`
}

type unmaskInput struct {
	ID   int64 `path:"id" minimum:"1"`
	Body PurposeStated
}

type personSearchInput struct {
	Body PersonSearch
}

func (s *Server) personRoutes(a huma.API) {
	refusals := []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	list := as(get("people", "/api/people", "The people of a place, masked"), audit.Read)
	list.Description = "For accounts that see records of persons there. Each page is recorded before it is shown."
	handle(a, list, s, s.people)
	one := get("person", "/api/people/{id}", "A person, masked unless a stated purpose still holds")
	one.Errors = refusals
	handle(a, one, s, s.person)
	handle(a, as(huma.Operation{
		OperationID: "unmask", Method: http.MethodPost, Path: "/api/people/{id}/unmask", Summary: "See a person in full for ten minutes",
		Description: "The purpose is recorded first. Beyond the account's places it is a break-glass, of which the auditor is told.", Errors: refusals,
	}, audit.Unmask), s, s.unmask)
	handle(a, as(huma.Operation{
		OperationID: "findPerson", Method: http.MethodPost, Path: "/api/people/search", Summary: "Find people by a whole number",
		Description: "By identity number or phone, equal in full. The number is never recorded, nor part of an address.", Errors: refusals,
	}, audit.Search), s, s.findPeople)
	handle(a, get("purposes", "/api/purposes", "For what a personal value may be shown"), s, s.purposes)
}

func (s *Server) people(ctx context.Context, scope layers.Scope, in *peopleInput) (*recorded[PersonPage], error) {
	snap, err := s.snapshot()
	if err != nil {
		return nil, err
	}
	w := s.Store.World()
	place, err := s.lookUp(snap.Tree(), in.Place)
	if err != nil {
		return nil, err
	}
	if scope.Detail(layers.KindPerson) < layers.DetailRecords {
		return nil, layers.Forbidden("this account sees people as counts only")
	}
	q := index.Query{Kind: layers.KindPerson, Scope: scope, Part: index.Records, Place: place.ID}
	if in.Layer != "" {
		l := w.Catalogue.Layer(in.Layer)
		if l == nil || l.Kind != layers.KindPerson {
			return nil, layers.Invalid("layer", "is not a layer of people")
		}
		q.Layers = 1 << l.Bit
	}
	var day int32
	var after int64
	if in.Before != "" {
		if day, after, err = parseBefore(in.Before); err != nil {
			return nil, err
		}
	}
	records := snap.Latest(q, in.Limit, day, after)
	ids := make([]int64, len(records))
	for i := range records {
		ids[i] = records[i].ID
	}
	found, err := s.People.Find(ctx, scope, ids)
	if err != nil {
		return nil, err
	}
	page := PersonPage{People: []Person{}, Position: snap.Position().String(), AsOf: utc(snap.At())}
	for _, id := range ids {
		if p, ok := found[id]; ok {
			page.People = append(page.People, s.personView(w, &p, nil))
		}
	}
	if len(records) == in.Limit {
		last := &records[len(records)-1]
		next := fmt.Sprintf("%d.%d", last.Time, last.ID)
		page.Next = &next
	}
	words := "place=" + place.Code
	if in.Layer != "" {
		words += " layer=" + in.Layer
	}
	return &recorded[PersonPage]{page, audit.Entry{What: audit.Read, Subject: "people", Filter: words, Rows: int64(len(page.People))}}, nil
}

func parseBefore(text string) (at int32, id int64, err error) {
	first, second, ok := strings.Cut(text, ".")
	m, err1 := strconv.ParseInt(first, 10, 32)
	n, err2 := strconv.ParseInt(second, 10, 64)
	if !ok || err1 != nil || err2 != nil {
		return 0, 0, layers.Invalid("before", "is not the next of a page")
	}
	return int32(m), n, nil
}

func (s *Server) person(ctx context.Context, scope layers.Scope, in *idInput) (*recorded[Person], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	p, grant, err := s.People.Full(ctx, scope, in.ID)
	if err != nil {
		return nil, err
	}
	e := audit.Entry{What: audit.Read, Subject: "person", ID: p.ID, Rows: 1}
	if grant != nil {
		e.What, e.Purpose, e.Reason, e.Alert = audit.Unmask, grant.Purpose, grant.Reason, grant.Beyond
	}
	return &recorded[Person]{s.personView(w, &p, grant), e}, nil
}

func (s *Server) unmask(ctx context.Context, scope layers.Scope, in *unmaskInput) (*recorded[Person], error) {
	began := time.Now()
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	wanted := personal.Grant{Purpose: in.Body.Purpose, Reason: strings.TrimSpace(in.Body.Reason), Beyond: in.Body.Beyond}
	if err := s.People.May(ctx, scope, in.ID, wanted); err != nil {
		return nil, err
	}
	e := audit.Entry{
		What: audit.Unmask, Subject: "person", ID: in.ID, Purpose: wanted.Purpose, Reason: wanted.Reason, Rows: 1, Alert: wanted.Beyond,
	}
	if err := s.Audit.Record(ctx, s.complete(ctx, scope, e, began)); err != nil {
		return nil, err
	}
	if _, err := s.People.Give(ctx, scope, in.ID, wanted); err != nil {
		return nil, err
	}
	p, grant, err := s.People.Full(ctx, scope, in.ID)
	if err != nil {
		return nil, err
	}
	return &recorded[Person]{s.personView(w, &p, grant), audit.Entry{Rows: 1}}, nil
}

func (s *Server) findPeople(ctx context.Context, scope layers.Scope, in *personSearchInput) (*recorded[FoundPeople], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	b := &in.Body
	wanted := personal.Grant{Purpose: b.Purpose, Reason: strings.TrimSpace(b.Reason), Beyond: b.Beyond}
	switch {
	case b.Beyond && !scope.Rights.Has(layers.RightBreakGlass):
		return nil, layers.Forbidden("this account may not look beyond its places")
	case !b.Beyond && scope.Detail(layers.KindPerson) < layers.DetailRecords:
		return nil, layers.Forbidden("this account sees people as counts only")
	}
	if err := s.People.Stated(ctx, wanted); err != nil {
		return nil, err
	}
	column := map[string]personal.Column{"idNumber": personal.IDNumber, "phone": personal.Phone}[b.Field]
	list, err := s.People.Search(ctx, scope, column, b.Value, b.Beyond)
	if err != nil {
		return nil, err
	}
	out := FoundPeople{People: []Person{}}
	for i := range list {
		out.People = append(out.People, s.personView(w, &list[i], nil))
	}
	return &recorded[FoundPeople]{out, audit.Entry{
		What: audit.Search, Subject: "people", Filter: b.Field + "=*", Purpose: wanted.Purpose, Reason: wanted.Reason, Rows: int64(len(list)), Alert: b.Beyond,
	}}, nil
}

func (s *Server) purposes(ctx context.Context, _ layers.Scope, _ *struct{}) (*body[Purposes], error) {
	list, err := s.People.Purposes(ctx)
	if err != nil {
		return nil, err
	}
	out := Purposes{Purposes: []Purpose{}}
	for _, p := range list {
		out.Purposes = append(out.Purposes, Purpose{p.Code, Named{p.Name, p.NameEn}})
	}
	return &body[Purposes]{out}, nil
}

// genders are the codes of GB/T 2261.1.
var genders = map[uint8]string{1: "male", 2: "female", 9: "not_stated"}

func (s *Server) personView(w *store.World, p *personal.Person, g *personal.Grant) Person {
	v := Person{
		ID: p.ID, Full: !p.Masked, Name: p.Name, IDNumber: p.IDNumber, Phone: p.Phone, Home: p.Home, Gender: genders[p.Gender],
		Needs: []string{}, Place: maybePlace(w.Tree, p.Place), PlacePath: placePath(w.Tree, p.Place), Source: Named{p.Source, p.SourceEn},
	}
	if v.Gender == "" {
		v.Gender = "unknown"
	}
	if c := w.Catalogue.Class(layers.KindPerson, p.Class); c != nil {
		v.Class = c.Code
	}
	for care := p.Care; care != 0; care &= care - 1 {
		bit := bits.TrailingZeros32(care)
		for _, n := range w.Catalogue.CareNeeds {
			if int(n.Bit) == bit {
				v.Needs = append(v.Needs, n.Code)
			}
		}
	}
	if p.Birth != nil {
		age := years(*p.Birth, s.Store.Today())
		v.Age = &age
	}
	if p.Masked || g == nil {
		return v
	}
	until := utc(g.Until)
	v.Until, v.Purpose = &until, &g.Purpose
	if p.Birth != nil {
		day := p.Birth.Format(time.DateOnly)
		v.Birth = &day
	}
	if p.Point != nil {
		v.Point = Some(LonLat{round(p.Point[0]), round(p.Point[1])})
	}
	return v
}

// years are whole years from a day of birth to a day.
func years(birth, today time.Time) int {
	n := today.Year() - birth.Year()
	if today.Month() < birth.Month() || today.Month() == birth.Month() && today.Day() < birth.Day() {
		n--
	}
	return max(n, 0)
}
