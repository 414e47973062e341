package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/paulmach/orb"

	"onepicture/layers"
	"onepicture/layers/alert"
)

const alertsRoute = "/api/alerts"

// Alerts takes warnings in and tells which hold.
type Alerts interface {
	Put(ctx context.Context, scope layers.Scope, doc alert.Document) ([]alert.Taken, layers.Position, error)
	Holding(ctx context.Context, scope layers.Scope, q alert.Query) ([]alert.Alert, error)
	One(ctx context.Context, scope layers.Scope, id int64, t *layers.Tree, today time.Time) (alert.Alert, error)
}

// AlertList are the alerts that hold, the gravest first.
type AlertList struct {
	Alerts []Alert   `json:"alerts"`
	More   bool      `json:"more" doc:"There are others beyond the limit"`
	AsOf   time.Time `json:"asOf" doc:"By the server's clock: alerts begin and expire by time alone"`
}

// Alert is a CAP alert message. Its words are those of its sender; codes are CAP's own.
type Alert struct {
	ID         int64        `json:"id"`
	Sender     string       `json:"sender"`
	Identifier string       `json:"identifier"`
	Sent       time.Time    `json:"sent"`
	Status     string       `json:"status" enum:"Actual,Exercise,System,Test,Draft"`
	Type       string       `json:"type" enum:"Alert,Update,Cancel,Ack,Error"`
	Scope      string       `json:"scope" enum:"Public,Restricted,Private"`
	Severity   string       `json:"severity" enum:"Extreme,Severe,Moderate,Minor,Unknown" doc:"The gravest of its parts"`
	BeginsAt   time.Time    `json:"beginsAt"`
	EndsAt     *time.Time   `json:"endsAt" doc:"Last expiry of its parts; 24 h after it was sent when it names none; null: it has no part"`
	EndedAt    *time.Time   `json:"endedAt" doc:"When an update or a cancellation ended it"`
	Holds      bool         `json:"holds" doc:"It is to be heeded now"`
	Signed     bool         `json:"signed" doc:"It bears an XML signature. It is not verified"`
	Notes      []string     `json:"notes" doc:"What was put right or left out when it was read"`
	Infos      []AlertInfo  `json:"infos" doc:"Parts, one a language or a stage of the hazard"`
	Areas      []AlertArea  `json:"areas"`
	Places     []AlertPlace `json:"places" doc:"Places down to villages that the areas touch; none below one that is touched as a whole. At most 300"`
	PlaceCount int          `json:"placeCount"`
	ReceivedAt time.Time    `json:"receivedAt"`
	Position   string       `json:"position" doc:"Of its last change"`
}

// AlertInfo is a part of an alert, in one language.
type AlertInfo struct {
	Language    string     `json:"language" doc:"BCP 47"`
	Categories  []string   `json:"categories"`
	Event       string     `json:"event"`
	Responses   []string   `json:"responses" doc:"What to do: Shelter, Evacuate, Prepare, Execute, Avoid, Monitor, Assess, AllClear, None"`
	Urgency     string     `json:"urgency" enum:"Immediate,Expected,Future,Past,Unknown"`
	Severity    string     `json:"severity" enum:"Extreme,Severe,Moderate,Minor,Unknown"`
	Certainty   string     `json:"certainty" enum:"Observed,Likely,Possible,Unlikely,Unknown"`
	Effective   *time.Time `json:"effective"`
	Onset       *time.Time `json:"onset"`
	Expires     *time.Time `json:"expires"`
	SenderName  string     `json:"senderName"`
	Headline    string     `json:"headline"`
	Description string     `json:"description"`
	Instruction string     `json:"instruction"`
	Web         string     `json:"web"`
	Contact     string     `json:"contact"`
}

// AlertArea is where a part holds.
type AlertArea struct {
	Info        int         `json:"info" doc:"Index of the part"`
	Description string      `json:"description"`
	Shape       Maybe[Area] `json:"shape" doc:"Union of its polygons and circles, within 100 m when it has many corners; null when it has none"`
	Points      []LonLat    `json:"points" doc:"Circles without a radius"`
}

// AlertPlace is a place that an alert touches.
type AlertPlace struct {
	Code  string `json:"code"`
	Level uint8  `json:"level"`
	Named
	Whole bool `json:"whole" doc:"All of the place"`
}

// AlertsTaken says what became of a document's alerts.
type AlertsTaken struct {
	Format   string         `json:"format" enum:"alert,atom,rss,edxl"`
	Alerts   []AlertTaken   `json:"alerts"`
	Refused  []AlertRefused `json:"refused" doc:"Alerts of a feed that are not what CAP asks for"`
	Links    []string       `json:"links" doc:"Alerts that the feed only names: they were not fetched"`
	Position string         `json:"position" doc:"Of the last new one; 0: none is new"`
}

// AlertTaken is one alert that was read.
type AlertTaken struct {
	ID         int64     `json:"id"`
	Sender     string    `json:"sender"`
	Identifier string    `json:"identifier"`
	Sent       time.Time `json:"sent"`
	Outcome    string    `json:"outcome" enum:"new,known,differs" doc:"known: it came before; differs: another of its name came before and is kept, this one is not"`
	Ended      []int64   `json:"ended" doc:"Earlier alerts that it ended"`
	Notes      []string  `json:"notes"`
}

// AlertRefused is one that was not.
type AlertRefused struct {
	At         int    `json:"at" doc:"In the order of the feed, from 1"`
	Identifier string `json:"identifier"`
	Reason     string `json:"reason"`
}

type alertsInput struct {
	Place string `query:"place" maxLength:"20" doc:"Code: alerts that touch it; empty: everywhere"`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type alertInput struct {
	RawBody []byte `contentType:"application/cap+xml"`
}

// maxAlertPlaces bounds the places of one alert: a province's warning touches every village.
const maxAlertPlaces = 300

func (s *Server) alertRoutes(a huma.API) {
	handle(a, get("alerts", alertsRoute, "Alerts that hold now"), s, s.alerts)
	one := get("alert", alertsRoute+"/{id}", "An alert")
	one.Errors = []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	handle(a, one, s, s.alert)
	handle(a, huma.Operation{
		OperationID: "putAlerts", Method: http.MethodPost, Path: alertsRoute, Summary: "Bring in alerts",
		Description: "A CAP 1.2 or 1.1 alert, or an Atom feed, RSS feed or EDXL distribution that carries some. What is known already " +
			"changes nothing, so sending again is harmless. Nothing is fetched. Documents with a DOCTYPE are refused.",
		MaxBodyBytes: alert.MaxBytes,
		Errors: []int{http.StatusForbidden, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity,
			http.StatusServiceUnavailable},
	}, s, s.putAlerts)
}

func (s *Server) alerts(ctx context.Context, scope layers.Scope, in *alertsInput) (*body[AlertList], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	q := alert.Query{Tree: w.Tree, Today: w.Deployment.Today(s.Now()), Now: s.Now(), Limit: in.Limit + 1}
	if in.Place != "" && in.Place != wholeCode {
		p := w.Tree.ByCode(in.Place)
		if p == nil {
			return nil, layers.Invalid("place", "is not the code of a place")
		}
		q.Place = p.ID
	}
	list, err := s.Alerts.Holding(ctx, scope, q)
	if err != nil {
		return nil, err
	}
	out := AlertList{Alerts: []Alert{}, AsOf: utc(q.Now), More: len(list) > in.Limit}
	for i := range list[:min(len(list), in.Limit)] {
		v, err := s.alertView(&list[i])
		if err != nil {
			return nil, err
		}
		out.Alerts = append(out.Alerts, v)
	}
	return &body[AlertList]{out}, nil
}

func (s *Server) alert(ctx context.Context, scope layers.Scope, in *idInput) (*body[Alert], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	a, err := s.Alerts.One(ctx, scope, in.ID, w.Tree, w.Deployment.Today(s.Now()))
	if err != nil {
		return nil, err
	}
	v, err := s.alertView(&a)
	if err != nil {
		return nil, err
	}
	return &body[Alert]{v}, nil
}

func (s *Server) alertView(a *alert.Alert) (Alert, error) {
	v := Alert{
		ID: a.ID, Sender: a.Sender, Identifier: a.Identifier, Sent: utc(a.Sent), Status: a.Status, Type: a.Type, Scope: a.Scope,
		Severity: a.Severity, BeginsAt: utc(a.BeginsAt), EndsAt: maybeTime(a.EndsAt), EndedAt: maybeTime(a.EndedAt),
		Holds: a.Holds(s.Now()), Signed: a.Signed, Notes: listed(a.Notes), Infos: []AlertInfo{}, Areas: []AlertArea{},
		Places: []AlertPlace{}, PlaceCount: len(a.Places), ReceivedAt: utc(a.ReceivedAt), Position: a.Position.String(),
	}
	for i := range a.Infos {
		in := &a.Infos[i]
		v.Infos = append(v.Infos, AlertInfo{
			Language: in.Language, Categories: listed(in.Categories), Event: in.Event, Responses: listed(in.Responses),
			Urgency: in.Urgency, Severity: in.Severity, Certainty: in.Certainty,
			Effective: maybeTime(in.Effective), Onset: maybeTime(in.Onset), Expires: maybeTime(in.Expires),
			SenderName: in.SenderName, Headline: in.Headline, Description: in.Description, Instruction: in.Instruction,
			Web: in.Web, Contact: in.Contact,
		})
		for _, area := range in.Areas {
			shown, err := alertArea(i, area)
			if err != nil {
				return v, err
			}
			v.Areas = append(v.Areas, shown)
		}
	}
	for _, t := range a.Places[:min(len(a.Places), maxAlertPlaces)] {
		v.Places = append(v.Places, AlertPlace{t.Place.Code, t.Place.Level, Named{t.Place.Name, t.Place.NameEn}, t.Whole})
	}
	return v, nil
}

func alertArea(info int, a alert.Area) (AlertArea, error) {
	v := AlertArea{Info: info, Description: a.Description, Points: []LonLat{}}
	if len(a.Polygons) > 0 {
		rounded := orb.Round(a.Polygons.Clone(), 1e6)
		coordinates, err := json.Marshal(rounded)
		if err != nil {
			return v, fmt.Errorf("write an alert's area: %w", err)
		}
		v.Shape = Some(Area{"MultiPolygon", coordinates})
	}
	for _, p := range a.Points {
		v.Points = append(v.Points, LonLat{round(p[0]), round(p[1])})
	}
	return v, nil
}

func listed(list []string) []string { return append([]string{}, list...) }

func (s *Server) putAlerts(ctx context.Context, scope layers.Scope, in *alertInput) (*body[AlertsTaken], error) {
	if !scope.Rights.Has(layers.RightSources) { // before anything is read
		return nil, layers.Forbidden("this account may not bring alerts in")
	}
	doc, err := alert.Parse(bytes.NewReader(in.RawBody))
	if err != nil {
		return nil, err
	}
	taken, position, err := s.Alerts.Put(ctx, scope, doc)
	if err != nil {
		return nil, err
	}
	out := AlertsTaken{Format: doc.Format, Alerts: []AlertTaken{}, Refused: []AlertRefused{}, Links: listed(doc.Links), Position: position.String()}
	for _, t := range taken {
		out.Alerts = append(out.Alerts, AlertTaken{
			t.ID, t.Sender, t.Identifier, utc(t.Sent), t.Outcome, append([]int64{}, t.Ended...), listed(t.Notes),
		})
	}
	for _, r := range doc.Refused {
		out.Refused = append(out.Refused, AlertRefused(r))
	}
	return &body[AlertsTaken]{out}, nil
}
