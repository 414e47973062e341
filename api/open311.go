package api

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"onepicture/layers"
	"onepicture/layers/citizen"
	"onepicture/layers/store"
)

// open311Route is the door of Open311's GeoReport v2. What follows names the resource and the format: services.xml.
const open311Route = "/open311/v2/*resource"

// Limits of a list of requests, as GeoReport v2 has them.
const (
	maxRequests     = 1000
	maxRequestsSpan = 90 * 24 * time.Hour
	maxRequestPages = 1000
)

// words are text that is null in JSON and an empty element in XML when there is none.
type words string

// MarshalJSON writes null for none.
func (w words) MarshalJSON() ([]byte, error) {
	if w == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(w))
}

// degrees are written with 1e-7, a centimetre.
type degrees float64

// MarshalText writes them in decimal.
func (d degrees) MarshalText() ([]byte, error) {
	return strconv.AppendFloat(nil, round(float64(d)), 'f', -1, 64), nil
}

// MarshalJSON writes a number.
func (d degrees) MarshalJSON() ([]byte, error) { return d.MarshalText() }

type service311 struct {
	XMLName     xml.Name `xml:"service" json:"-"`
	Code        string   `xml:"service_code" json:"service_code"`
	Name        string   `xml:"service_name" json:"service_name"`
	Description words    `xml:"description" json:"description"`
	Metadata    bool     `xml:"metadata" json:"metadata"`
	Type        string   `xml:"type" json:"type"`
	Keywords    words    `xml:"keywords" json:"keywords"`
	Group       words    `xml:"group" json:"group"`
}

type definition311 struct {
	XMLName    xml.Name       `xml:"service_definition" json:"-"`
	Code       string         `xml:"service_code" json:"service_code"`
	Attributes []attribute311 `xml:"attributes>attribute" json:"attributes"`
}

type attribute311 struct {
	Variable    bool       `xml:"variable" json:"variable"`
	Code        string     `xml:"code" json:"code"`
	Datatype    string     `xml:"datatype" json:"datatype"`
	Required    bool       `xml:"required" json:"required"`
	Hint        words      `xml:"datatype_description" json:"datatype_description"`
	Order       int        `xml:"order" json:"order"`
	Description string     `xml:"description" json:"description"`
	Values      []value311 `xml:"values>value,omitempty" json:"values,omitempty"`
}

type value311 struct {
	Key  string `xml:"key" json:"key"`
	Name string `xml:"name" json:"name"`
}

// filed311 answers a report. GeoReport knows the id, the notice and the account; the code and the token are ours.
type filed311 struct {
	XMLName xml.Name `xml:"request" json:"-"`
	ID      string   `xml:"service_request_id" json:"service_request_id"`
	Notice  words    `xml:"service_notice" json:"service_notice"`
	Account words    `xml:"account_id" json:"account_id"`
	Token   string   `xml:"token" json:"token"`
	Code    string   `xml:"follow_code" json:"follow_code"`
}

type token311 struct {
	XMLName xml.Name `xml:"request" json:"-"`
	ID      string   `xml:"service_request_id" json:"service_request_id"`
	Token   string   `xml:"token" json:"token"`
}

type request311 struct {
	XMLName     xml.Name     `xml:"request" json:"-"`
	ID          string       `xml:"service_request_id" json:"service_request_id"`
	Status      string       `xml:"status" json:"status"`
	StatusNotes words        `xml:"status_notes" json:"status_notes"`
	ServiceName words        `xml:"service_name" json:"service_name"`
	ServiceCode words        `xml:"service_code" json:"service_code"`
	Description words        `xml:"description" json:"description"`
	Agency      words        `xml:"agency_responsible" json:"agency_responsible"`
	Notice      words        `xml:"service_notice" json:"service_notice"`
	Requested   string       `xml:"requested_datetime" json:"requested_datetime"`
	Updated     words        `xml:"updated_datetime" json:"updated_datetime"`
	Expected    words        `xml:"expected_datetime" json:"expected_datetime"`
	Address     words        `xml:"address" json:"address"`
	AddressID   words        `xml:"address_id" json:"address_id"`
	Zipcode     words        `xml:"zipcode" json:"zipcode"`
	Lat         degrees      `xml:"lat" json:"lat"`
	Long        degrees      `xml:"long" json:"long"`
	MediaURL    words        `xml:"media_url" json:"media_url"`
	Extended    *extended311 `xml:"extended_attributes,omitempty" json:"extended_attributes,omitempty"`
}

// extended311 is what extensions=true adds.
type extended311 struct {
	Step   string `xml:"step" json:"step"`
	Closed words  `xml:"closed_datetime" json:"closed_datetime"`
	Place  words  `xml:"place_code" json:"place_code"`
	Name   words  `xml:"place_name" json:"place_name"`
}

type error311 struct {
	XMLName     xml.Name `xml:"error" json:"-"`
	Code        int      `xml:"code" json:"code"`
	Description string   `xml:"description" json:"description"`
}

// list311 is a list under its root element, a bare array in JSON.
type list311[T any] struct {
	XMLName xml.Name
	Items   []T
}

// MarshalJSON writes the array alone.
func (l list311[T]) MarshalJSON() ([]byte, error) { return json.Marshal(append([]T{}, l.Items...)) }

func under[T any](root string, items []T) list311[T] {
	return list311[T]{xml.Name{Local: root}, items}
}

// counter311 is one request at this door.
type counter311 struct {
	*Server
	c       *gin.Context
	w       *store.World
	args    url.Values
	english bool
}

// open311 answers everything below the route, errors included, in the format that was asked for.
func (s *Server) open311(c *gin.Context) {
	path, format, ok := strings.Cut(strings.TrimPrefix(c.Param("resource"), "/"), ".")
	if i := strings.LastIndexByte(format, '.'); i >= 0 { // codes of services may hold dots
		path, format = path+"."+format[:i], format[i+1:]
	}
	status, answer := http.StatusOK, any(nil)
	var err error
	if !ok || format != "xml" && format != "json" {
		format, err = "xml", layers.NotFound("resource: name it with its format, such as services.xml or services.json")
	} else {
		answer, err = s.answer311(c, path)
	}
	if err != nil {
		p := problemOf(c.Request.Context(), c.Request.Method, err)
		if status = p.Status; status == http.StatusUnprocessableEntity {
			status = http.StatusBadRequest
		}
		for k, v := range p.GetHeaders() {
			c.Writer.Header()[k] = v
		}
		answer = under("errors", []error311{{Code: status, Description: p.Detail}})
	}
	var b []byte
	kind := "application/json; charset=utf-8"
	if format == "json" {
		b, err = json.Marshal(answer)
	} else {
		kind = "text/xml; charset=utf-8"
		b, err = xml.Marshal(answer)
		b = append([]byte(xml.Header), b...)
	}
	if err != nil {
		writeProblem(c, err)
		return
	}
	c.Data(status, kind, b)
}

func (s *Server) answer311(c *gin.Context, path string) (any, error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	if err := c.Request.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, &layers.Error{Code: layers.CodeTooLarge, Message: "the report is too large"}
		}
		return nil, layers.Invalid("body", "is not of the kind application/x-www-form-urlencoded")
	}
	x := &counter311{s, c, w, c.Request.Form, strings.HasPrefix(c.GetHeader("Accept-Language"), "en")}
	if id := x.args.Get("jurisdiction_id"); id != "" && w.Tree.ByCode(id) == nil {
		return nil, &layers.Error{Code: layers.CodeNotFound, Message: "the jurisdiction_id is not one of this server"}
	}
	resource, one, whole := strings.Cut(path, "/")
	switch {
	case c.Request.Method == http.MethodPost && path == "requests":
		return x.file()
	case c.Request.Method == http.MethodPost:
	case path == "services":
		return x.services()
	case path == "requests":
		return x.requests()
	case resource == "services" && whole:
		return x.definition(one)
	case resource == "requests" && whole:
		return x.request(one)
	case resource == "tokens" && whole:
		return x.token(one)
	}
	return nil, layers.NotFound("resource at this address")
}

func (x *counter311) name(zh, en string) string {
	if x.english && en != "" {
		return en
	}
	return zh
}

func (x *counter311) services() (any, error) {
	own, err := x.Citizens.Services(x.c.Request.Context())
	if err != nil {
		return nil, err
	}
	var out []service311
	for i := range x.w.Catalogue.Items {
		it := &x.w.Catalogue.Items[i]
		service, ok := own[it.Code]
		if x.w.Catalogue.ItemByCode(it.Code) != it || ok && !service.Offered {
			continue
		}
		v := service311{Code: it.Code, Name: x.name(it.Name, it.NameEn), Metadata: len(service.Attributes) > 0, Type: "realtime"}
		if c := x.w.Catalogue.Class(layers.KindEvent, it.Class); c != nil {
			v.Group, v.Keywords = words(x.name(c.Name, c.NameEn)), words(c.Code)
		}
		if d := x.agency(it.DepartmentID); d != "" {
			v.Description = words(d)
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b service311) int { return strings.Compare(a.Code, b.Code) })
	return under("services", out), nil
}

func (x *counter311) agency(id int16) string {
	if d := department(x.w.Catalogue, id); d.value != nil {
		return x.name(d.value.Name, d.value.NameEn)
	}
	return ""
}

// offered finds a service that citizens may report.
func (x *counter311) offered(code string) (*layers.Item, citizen.Service, error) {
	own, err := x.Citizens.Services(x.c.Request.Context())
	if err != nil {
		return nil, citizen.Service{}, err
	}
	it := x.w.Catalogue.ItemByCode(code)
	service, ok := own[code]
	if it == nil || ok && !service.Offered {
		return nil, service, &layers.Error{Code: layers.CodeNotFound, Message: "the service_code is not one of the services"}
	}
	return it, service, nil
}

func (x *counter311) definition(code string) (any, error) {
	it, service, err := x.offered(code)
	if err != nil {
		return nil, err
	}
	out := definition311{Code: it.Code, Attributes: []attribute311{}}
	for i, a := range service.Attributes {
		v := attribute311{
			Variable: !a.Informative, Code: a.Code, Datatype: a.Type, Required: a.Required, Hint: words(a.Hint), Order: i + 1,
			Description: x.name(a.Label, a.LabelEn),
		}
		for _, o := range a.Values {
			v.Values = append(v.Values, value311{o.Key, x.name(o.Name, o.NameEn)})
		}
		out.Attributes = append(out.Attributes, v)
	}
	return out, nil
}

// notes are the status in words.
var notes311 = map[string][2]string{
	"report": {"已上报，等待受理", "Received, waiting to be accepted"}, "accept": {"已受理，等待派遣", "Accepted, waiting to be dispatched"},
	"dispatch": {"已派遣，等待处置", "Sent to those who will handle it"}, "handle": {"正在处置", "Being handled"},
	"feedback": {"处置完成，等待核查", "Handled, waiting to be verified"}, "verify": {"已核查，等待结案", "Verified, waiting to be closed"},
	"close": {"已办结", "Done"}, "void": {"不予办理", "Nothing will be done"}, "suspended": {"暂缓处置", "Put off for a reason"},
}

func (x *counter311) view(r *citizen.Request) request311 {
	step := codeAt(layers.Statuses[:], r.Status)
	note := notes311[step]
	v := request311{
		ID: strconv.FormatInt(r.Number, 10), Status: "open", StatusNotes: words(x.name(note[0], note[1])),
		Requested: x.time(r.ReportedAt), Updated: words(x.time(r.UpdatedAt)), Lat: degrees(r.Point[1]), Long: degrees(r.Point[0]),
	}
	if r.Closed() {
		v.Status = "closed"
	}
	if r.DueAt != nil {
		v.Expected = words(x.time(*r.DueAt))
	}
	if it := x.w.Catalogue.Item(r.Item); it != nil {
		v.ServiceCode, v.ServiceName, v.Agency = words(it.Code), words(x.name(it.Name, it.NameEn)), words(x.agency(r.Department))
	}
	if x.args.Get("extensions") == "true" {
		v.Extended = &extended311{Step: step}
		if r.ClosedAt != nil {
			v.Extended.Closed = words(x.time(*r.ClosedAt))
		}
		if p := x.w.Tree.Place(x.Store.PlaceAt(r.Point[0], r.Point[1])); p != nil {
			v.Extended.Place, v.Extended.Name = words(p.Code), words(x.name(p.Name, p.NameEn))
		}
	}
	return v
}

// time is in the deployment's zone, as people there read it.
func (x *counter311) time(t time.Time) string {
	return t.In(x.w.Deployment.Zone).Truncate(time.Second).Format(time.RFC3339)
}

func (x *counter311) requests() (any, error) {
	q, err := x.query()
	if err != nil {
		return nil, err
	}
	list, err := x.views(q)
	return under("service_requests", list), err
}

// views are the requests that a query finds.
func (x *counter311) views(q citizen.Query) ([]request311, error) {
	list, err := x.Citizens.Requests(x.c.Request.Context(), q)
	out := make([]request311, len(list))
	for i := range list {
		out[i] = x.view(&list[i])
	}
	return out, err
}

func (x *counter311) query() (citizen.Query, error) {
	now := x.Now()
	q := citizen.Query{From: now.Add(-maxRequestsSpan), To: now.Add(time.Hour), Limit: maxRequests}
	if ids := x.args.Get("service_request_id"); ids != "" { // overrides all others
		q.From = time.Unix(0, 0)
		for _, id := range strings.Split(ids, ",") {
			n, err := strconv.ParseInt(strings.TrimSpace(id), 10, 64)
			if err != nil || len(q.Numbers) == maxRequests {
				return q, layers.Invalid("service_request_id", "is not a list of at most %d numbers", maxRequests)
			}
			q.Numbers = append(q.Numbers, n)
		}
		return q, nil
	}
	if codes := x.args.Get("service_code"); codes != "" {
		q.Items = []uint16{}
		for i := range x.w.Catalogue.Items { // all versions of an item
			if slices.Contains(strings.Split(codes, ","), x.w.Catalogue.Items[i].Code) {
				q.Items = append(q.Items, x.w.Catalogue.Items[i].ID)
			}
		}
		if len(q.Items) == 0 {
			return q, &layers.Error{Code: layers.CodeNotFound, Message: "the service_code is not one of the services"}
		}
	}
	if err := x.span(&q, now); err != nil {
		return q, err
	}
	open, closed := false, false
	for _, s := range strings.Split(x.args.Get("status"), ",") {
		switch s {
		case "open":
			open = true
		case "closed":
			closed = true
		case "":
		default:
			return q, layers.Invalid("status", "is open, closed or both")
		}
	}
	if open != closed {
		q.Closed = &closed
	}
	return q, x.page(&q)
}

func (x *counter311) span(q *citizen.Query, now time.Time) error {
	var from, to time.Time
	for _, f := range []struct {
		name string
		into *time.Time
	}{{"start_date", &from}, {"end_date", &to}} {
		text := x.args.Get(f.name)
		if text == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339, strings.ReplaceAll(text, " ", "+")) // a plus that was not escaped
		if err != nil || t.Year() < 1970 || t.Year() > 9000 {
			return layers.Invalid(f.name, "is not a time with its zone, such as 2026-05-04T12:00:00+08:00")
		}
		*f.into = t
	}
	switch {
	case from.IsZero() && to.IsZero():
	case to.IsZero():
		q.From, q.To = from, from.Add(maxRequestsSpan)
	default:
		q.From, q.To = to.Add(-maxRequestsSpan), to
		if from.After(q.From) {
			q.From = from
		}
	}
	return nil
}

func (x *counter311) page(q *citizen.Query) error {
	number := func(name string, most int, into *int) error {
		text := x.args.Get(name)
		if text == "" {
			return nil
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > most {
			return layers.Invalid(name, "is a number from 1 to %d", most)
		}
		*into = n
		return nil
	}
	page := 1
	if err := number("page_size", maxRequests, &q.Limit); err != nil {
		return err
	}
	if err := number("page", maxRequestPages, &page); err != nil {
		return err
	}
	q.Offset = (page - 1) * q.Limit
	return nil
}

func (x *counter311) request(id string) (any, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil, layers.NotFound("request of that service_request_id")
	}
	list, err := x.views(citizen.Query{Numbers: []int64{n}, From: time.Unix(0, 0), To: x.Now().Add(time.Hour), Limit: 1})
	if err == nil && len(list) == 0 {
		err = layers.NotFound("request of that service_request_id")
	}
	return under("service_requests", list), err
}

func (x *counter311) token(token string) (any, error) {
	n, err := x.Citizens.Number(x.c.Request.Context(), token)
	if err != nil {
		return nil, err
	}
	return under("service_requests", []token311{{ID: strconv.FormatInt(n, 10), Token: token}}), nil
}

func inRange(v float64, most float64) bool { return !math.IsNaN(v) && math.Abs(v) <= most }
