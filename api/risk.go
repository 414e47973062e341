package api

import (
	"context"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
	"onepicture/layers/index"
	"onepicture/layers/risk"
)

// RiskScore is the estimate of a place. Numbers of events have six decimals; sums of them are exact in decimals.
type RiskScore struct {
	Place    PlaceRef `json:"place"`
	Expected float64  `json:"expected" doc:"Events that are expected in the place over the horizon"`
	Low      int      `json:"low" doc:"Of the 90 % interval of their number"`
	High     int      `json:"high"`
	Band     *int     `json:"band" minimum:"0" maximum:"10" doc:"For display, cut at fixed multiples of the mean of the level; null: not enough data"`
	Grade    string   `json:"grade" enum:"A,B,C,D" doc:"How far to rely on it; D: not enough data"`
	Rank     int      `json:"rank" doc:"Among all places of the level, 1 the highest"`
	Of       int      `json:"of"`
	LastWeek *float64 `json:"lastWeek" doc:"What was expected seven days ago"`
	Silent   float64  `json:"silent" doc:"Share of what is usual here whose source is silent"`
	Main     RiskKey  `json:"main" doc:"The term that lifts it most above its peers"`
}

// RiskKey names a term.
type RiskKey struct {
	Code    string `json:"code" enum:"surroundings,own,neighbours,lately,nearby,season,week"`
	Channel string `json:"channel" enum:"reported,patrol,both" doc:"Found by patrols, or reported by residents and systems"`
}

// RiskTerm is a part of a score: the terms of a place sum to its score exactly.
type RiskTerm struct {
	RiskKey
	Value  float64   `json:"value"`
	Rank   int       `json:"rank" doc:"Among the places of its level"`
	Of     int       `json:"of"`
	Median float64   `json:"median" doc:"Of the same term at that level"`
	Source string    `json:"source" doc:"Tables that it is computed from"`
	AsOf   time.Time `json:"asOf"`
}

// RiskModel is what computed it.
type RiskModel struct {
	Version  string    `json:"version" doc:"Model and input; with the position it gives the score again"`
	Spec     string    `json:"spec" example:"shrunk+recent"`
	Proven   bool      `json:"proven" doc:"Whether a back-test on this deployment's events chose it"`
	Backtest int       `json:"backtest" doc:"0: none yet"`
	FittedAt time.Time `json:"fittedAt"`
}

// RiskAlarm is a source that is silent.
type RiskAlarm struct {
	Code string `json:"code"`
	Named
	Since time.Time `json:"since" doc:"When it was last heard of"`
	Days  int       `json:"days" doc:"Whole days of silence"`
}

// RiskView is a place with what is directly below it. It is advice, not an order.
type RiskView struct {
	Category string           `json:"category"`
	Horizon  int              `json:"horizon"`
	From     string           `json:"from" format:"date" doc:"First day that is estimated"`
	Position string           `json:"position"`
	AsOf     time.Time        `json:"asOf"`
	Model    RiskModel        `json:"model"`
	Place    Maybe[RiskScore] `json:"place" doc:"null above several cities, and beyond the account's places"`
	Children []RiskScore      `json:"children" doc:"Highest first; those without enough data last"`
	Alarms   []RiskAlarm      `json:"alarms"`
	Cuts     []float64        `json:"cuts" doc:"Where bands 1 to 10 begin, as multiples of the mean of the level"`
}

// RiskChange is what would change a score, and what it would be then.
type RiskChange struct {
	Code     string  `json:"code" enum:"one_more,quiet_week,sources_back"`
	Expected float64 `json:"expected"`
}

// RiskObjection is what somebody says against a score.
type RiskObjection struct {
	ID      int64     `json:"id"`
	Horizon int       `json:"horizon"`
	Score   float64   `json:"score" doc:"That was objected to"`
	Version string    `json:"version"`
	Reason  string    `json:"reason"`
	Actor   string    `json:"actor"`
	At      time.Time `json:"at"`
}

// RiskAxes stand beside the score and are not part of it.
type RiskAxes struct {
	Vulnerability RiskNeeds   `json:"vulnerability"`
	Hazards       []RiskCount `json:"hazards" doc:"Hazard sites in the place"`
	Coping        RiskCoping  `json:"coping"`
}

// RiskNeeds are care needs as counts that are safe to tell.
type RiskNeeds struct {
	Residents *int        `json:"residents"`
	Care      []RiskCount `json:"care"`
}

// RiskCount is a number under a name; null: it may not be told.
type RiskCount struct {
	Code string `json:"code"`
	Named
	Count *int `json:"count"`
}

// RiskCoping is how the place copes with what is there.
type RiskCoping struct {
	Open            int  `json:"open"`
	Overdue         int  `json:"overdue"`
	Closed30d       int  `json:"closed30d"`
	ClosedInTime30d int  `json:"closedInTime30d"`
	Staff           *int `json:"staff" doc:"null: not known here"`
}

// RiskExplanation says why a place is as it is.
type RiskExplanation struct {
	RiskScore
	Category   string          `json:"category"`
	Horizon    int             `json:"horizon"`
	From       string          `json:"from" format:"date"`
	Position   string          `json:"position"`
	AsOf       time.Time       `json:"asOf"`
	Model      RiskModel       `json:"model"`
	Terms      []RiskTerm      `json:"terms" doc:"They sum to expected"`
	Changes    []RiskChange    `json:"changes"`
	Reported   int             `json:"reported30d" doc:"Events here in 30 days that residents and systems reported"`
	Patrolled  int             `json:"patrolled30d" doc:"Events here in 30 days that patrols found: where they walk decides"`
	Curve      []DayCount      `json:"curve" doc:"Events by day"`
	Axes       RiskAxes        `json:"axes"`
	Objections []RiskObjection `json:"objections"`
	Alarms     []RiskAlarm     `json:"alarms"`
}

// RiskObjectionForm is an objection as it comes in.
type RiskObjectionForm struct {
	Category string `json:"category" maxLength:"60"`
	Horizon  int    `json:"horizon" enum:"7,30"`
	Reason   string `json:"reason" minLength:"1" maxLength:"1000"`
}

// RiskObjected is a filed objection.
type RiskObjected struct {
	ID       int64  `json:"id"`
	Position string `json:"position"`
}

type riskInput struct {
	Place    string `query:"place" maxLength:"20" doc:"Code; empty: the root"`
	Category string `query:"category" maxLength:"60" doc:"Empty: the first"`
	Horizon  int    `query:"horizon" enum:"7,30" default:"7"`
}

type explainInput struct {
	Code     string `path:"place" maxLength:"20"`
	Category string `query:"category" maxLength:"60" doc:"Empty: the first"`
	Horizon  int    `query:"horizon" enum:"7,30" default:"7"`
	Position string `query:"position" maxLength:"20" doc:"As it was at a past position"`
}

type objectInput struct {
	Code string `path:"place" maxLength:"20"`
	Body RiskObjectionForm
}

func (s *Server) riskRoutes(a huma.API) {
	handle(a, get("risk", "/api/risk", "Expected events of a place and those below it: advice, not an order"), s, s.riskView)
	one := get("riskOf", "/api/risk/{place}", "Why a place's score is what it is")
	one.Errors = []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	handle(a, one, s, s.riskOf)
	handle(a, huma.Operation{
		OperationID: "object", Method: http.MethodPost, Path: "/api/risk/{place}/objections", Summary: "Object to a place's score",
		DefaultStatus: http.StatusCreated, Errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, s, s.object)
	handle(a, get("riskFilm", "/api/risk/film", "Bands of the places below one over the last 90 days"), s, s.riskFilm)
	handle(a, get("riskToday", "/api/risk/today", "What to look at today in the places that one walks: advice, not an order"), s, s.riskToday)
	handle(a, get("signals", "/api/risk/signals", "What is unusual, with its evidence"), s, s.riskSignals)
	s.backtestRoutes(a)
}

// picture of risk, and the category that is meant.
func (s *Server) riskPicture(category string) (*risk.Picture, string, error) {
	if s.Risk == nil {
		return nil, "", layers.Unavailable(time.Minute, "risk is not estimated by this server", nil)
	}
	p := s.Risk.Picture()
	if p == nil {
		return nil, "", layers.Unavailable(2*time.Second, "the risk of places is being computed; try again", nil)
	}
	if category == "" && len(p.Model.Categories) > 0 {
		category = p.Model.Categories[0].Code
	}
	return p, category, nil
}

func (s *Server) riskView(_ context.Context, scope layers.Scope, in *riskInput) (*body[RiskView], error) {
	p, category, err := s.riskPicture(in.Category)
	if err != nil {
		return nil, err
	}
	if in.Place == "" {
		in.Place = home(p.Tree)
	}
	place, err := s.lookUp(p.Tree, in.Place)
	if err != nil {
		return nil, err
	}
	v := RiskView{
		Category: category, Horizon: in.Horizon, From: date(p.Input.Day), Position: p.Position.String(), AsOf: utc(p.At), Children: []RiskScore{},
		Alarms: s.riskAlarms(), Cuts: risk.Cuts[:],
	}
	list, err := p.Ranking(scope, place.ID, category, in.Horizon)
	if err != nil {
		return nil, err
	}
	for i := range list {
		v.Children = append(v.Children, riskScore(p, &list[i]))
	}
	if place.ID != 0 {
		if own, err := p.Score(scope, place.ID, category, in.Horizon); err == nil {
			v.Place = Some(riskScore(p, &own))
		} else if layers.CodeOf(err) != layers.CodeNotFound {
			return nil, err
		}
	}
	v.Model = riskModel(p, p.Category(category))
	return &body[RiskView]{v}, nil
}

func riskModel(p *risk.Picture, c *risk.Category) RiskModel {
	m := RiskModel{Version: p.Version(), Proven: c.Proven, Spec: c.Spec.Name(), FittedAt: utc(p.Model.MadeAt)}
	if c.Proven {
		m.Backtest = p.Model.Backtest
	}
	return m
}

func riskScore(p *risk.Picture, s *risk.Score) RiskScore {
	out := RiskScore{
		Place: placeRef(p.Tree.Place(s.Place)), Expected: decimal(s.Expected), Low: s.Lo, High: s.Hi, Band: s.Band, Grade: s.Grade,
		Rank: s.Rank, Of: s.Of, Silent: math.Round(s.Silent*1000) / 1000, Main: riskKey(s.Main),
	}
	if s.LastWeek != nil {
		v := decimal(*s.LastWeek)
		out.LastWeek = &v
	}
	return out
}

func riskKey(k risk.TermKey) RiskKey {
	if k.Channel == "" {
		k.Channel = "both"
	}
	return RiskKey(k)
}

func decimal(millionths int64) float64 { return float64(millionths) / risk.Millionths }

func date(day int32) string {
	return time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly)
}

func (s *Server) riskAlarms() []RiskAlarm {
	out := []RiskAlarm{}
	for _, a := range s.Risk.Alarms() {
		out = append(out, RiskAlarm{a.Code, Named{a.Name, a.NameEn}, utc(a.Since), a.Days})
	}
	return out
}

// termSources say which tables a term is computed from.
var termSources = map[string]string{
	"surroundings": "event, place, site, release", "own": "event", "neighbours": "event, place", "lately": "event",
	"nearby": "event, place", "season": "event", "week": "event",
}

func (s *Server) riskOf(ctx context.Context, scope layers.Scope, in *explainInput) (*body[RiskExplanation], error) {
	p, category, err := s.riskPicture(in.Category)
	if err != nil {
		return nil, err
	}
	if in.Position != "" {
		position, err := layers.ParsePosition(in.Position)
		if err != nil {
			return nil, layers.Invalid("position", "is not a position: a whole number in decimal")
		}
		if position != p.Position {
			if p, err = s.riskAt(ctx, position); err != nil {
				return nil, err
			}
		}
	}
	place := p.Tree.ByCode(in.Code)
	if place == nil {
		return nil, layers.NotFound("place")
	}
	x, err := p.Explain(scope, place.ID, category, in.Horizon)
	if err != nil {
		return nil, err
	}
	objections, err := s.Risk.Objections(ctx, place.ID, x.Category.Class)
	if err != nil {
		return nil, err
	}
	v := RiskExplanation{
		RiskScore: riskScore(p, &x.Score), Category: category, Horizon: x.Horizon, From: date(x.From), Position: x.Position.String(),
		AsOf: utc(x.At), Model: riskModel(p, x.Category), Terms: []RiskTerm{}, Changes: []RiskChange{}, Reported: x.Reported,
		Patrolled: x.Patrolled, Curve: riskCurve(x.Curve), Objections: []RiskObjection{}, Alarms: s.riskAlarms(),
	}
	for _, t := range x.Terms {
		v.Terms = append(v.Terms, RiskTerm{riskKey(t.TermKey), decimal(t.Value), t.Rank, t.Of, decimal(t.Median), termSources[t.Code], utc(x.At)})
	}
	for _, c := range x.Changes {
		v.Changes = append(v.Changes, RiskChange{c.Code, decimal(c.Expected)})
	}
	for _, o := range objections {
		v.Objections = append(v.Objections, RiskObjection{o.ID, o.Horizon, decimal(o.Score), o.Version, o.Reason, o.Actor, utc(o.At)})
	}
	if v.Axes, err = s.riskAxes(scope, place.ID); err != nil {
		return nil, err
	}
	return &body[RiskExplanation]{v}, nil
}

// riskAt replays the ledger, one request at a time: it reads every event.
func (s *Server) riskAt(ctx context.Context, p layers.Position) (*risk.Picture, error) {
	select {
	case s.replaying <- struct{}{}:
		defer func() { <-s.replaying }()
	default:
		return nil, layers.TooMany(5*time.Second, "another past picture is being made; try again")
	}
	return s.Risk.At(ctx, p)
}

func riskCurve(list []risk.DayCount) []DayCount {
	out := make([]DayCount, len(list))
	for i, d := range list {
		out[i] = DayCount{Date: date(d.Day), Count: d.Count}
	}
	return out
}

// riskAxes are read from the index, with what the scope may know.
func (s *Server) riskAxes(scope layers.Scope, place layers.PlaceID) (RiskAxes, error) {
	snap, err := s.snapshot()
	if err != nil {
		return RiskAxes{}, err
	}
	w := s.Store.World()
	counts := map[layers.Kind]index.PlaceCounts{}
	for _, k := range layers.Kinds {
		counts[k] = snap.Figures(k, scope, place)
	}
	a := RiskAxes{Hazards: []RiskCount{}}
	a.Vulnerability = RiskNeeds{Residents: countOf(scope, layers.KindPerson, counts, counts[layers.KindPerson].N), Care: []RiskCount{}}
	for i := range w.Catalogue.Layers {
		l := &w.Catalogue.Layers[i]
		if l.Kind == layers.KindPerson && strings.Contains(l.Filter, "care") {
			a.Vulnerability.Care = append(a.Vulnerability.Care, RiskCount{l.Code, Named{l.Name, l.NameEn}, countOf(scope, l.Kind, counts, counts[l.Kind].Layer[l.Bit])})
		}
	}
	for i := range w.Catalogue.Classes {
		c := &w.Catalogue.Classes[i]
		if c.Kind != layers.KindSite || c.Group != hazardGroup {
			continue
		}
		n := 0
		if list := counts[c.Kind].Class; int(c.ID) < len(list) {
			n = list[c.ID]
		}
		a.Hazards = append(a.Hazards, RiskCount{c.Code, Named{c.Name, c.NameEn}, countOf(scope, c.Kind, counts, n)})
	}
	var f Figures
	r := reckoning{snap: snap, scope: scope, place: place, now: s.Now(), zone: w.Deployment.Zone}
	r.times(&f)
	a.Coping = RiskCoping{Open: counts[layers.KindEvent].Open, Overdue: f.Events.Overdue, Closed30d: f.Events.Closed30d, ClosedInTime30d: f.Events.ClosedInTime30d}
	return a, nil
}

// hazardGroup is the group of site classes that can do harm by themselves.
const hazardGroup = "hazard"

func (s *Server) object(ctx context.Context, scope layers.Scope, in *objectInput) (*body[RiskObjected], error) {
	p, _, err := s.riskPicture("")
	if err != nil {
		return nil, err
	}
	place := p.Tree.ByCode(in.Code)
	if place == nil {
		return nil, layers.NotFound("place")
	}
	r, err := s.Risk.Object(ctx, scope, place.ID, in.Body.Category, in.Body.Horizon, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return &body[RiskObjected]{RiskObjected{r.FeatureID, r.Position.String()}}, nil
}
