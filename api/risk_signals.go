package api

import (
	"context"
	"math"
	"time"

	"onepicture/layers"
)

// RiskSignal is something unusual, with its evidence.
type RiskSignal struct {
	Kind     string     `json:"kind" enum:"rise,cluster,hot" doc:"More than expected in one place; in some together; places with more than expected that lie together"`
	Category string     `json:"category"`
	Places   []PlaceRef `json:"places" doc:"The first is the middle or the most remarkable; at most 40"`
	Path     string     `json:"path" doc:"Where the first lies"`
	Days     int        `json:"days" doc:"How far back it reaches"`
	Observed int        `json:"observed"`
	Expected float64    `json:"expected"`
	P        float64    `json:"p" doc:"How likely so much is by chance"`
	Method   string     `json:"method" enum:"cusum,c2,scan,gi"`
	Curve    []DayCount `json:"curve"`
}

// RiskSignals are those that were found last.
type RiskSignals struct {
	Ready     bool         `json:"ready" doc:"false: the first look is not over yet"`
	AsOf      *time.Time   `json:"asOf"`
	Looked    int          `json:"looked" doc:"Places times categories that were looked at for a rise"`
	FalseRate float64      `json:"falseRate" doc:"Expected share of false ones among the signals of a kind"`
	Signals   []RiskSignal `json:"signals" doc:"The least likely by chance first"`
}

type signalsInput struct {
	Place string `query:"place" maxLength:"20" doc:"Only those all of whose places lie in it; empty: everywhere"`
}

const falseRate = 0.05

func (s *Server) riskSignals(_ context.Context, scope layers.Scope, in *signalsInput) (*body[RiskSignals], error) {
	p, _, err := s.riskPicture("")
	if err != nil {
		return nil, err
	}
	within := layers.PlaceID(0)
	if in.Place != "" {
		place, err := s.lookUp(p.Tree, in.Place)
		if err != nil {
			return nil, err
		}
		within = place.ID
	}
	out := RiskSignals{FalseRate: falseRate, Signals: []RiskSignal{}}
	found := s.Risk.Signals()
	if found == nil {
		return &body[RiskSignals]{out}, nil
	}
	at := utc(found.At)
	out.Ready, out.AsOf, out.Looked = true, &at, found.Looked
	for _, f := range found.SeenBy(scope, p.Tree, within) {
		v := RiskSignal{
			Kind: f.Kind, Category: f.Category, Places: []PlaceRef{}, Path: placePath(p.Tree, f.Places[0]), Days: f.Days, Observed: f.Observed,
			Expected: math.Round(f.Expected*100) / 100, P: f.P, Method: f.Method, Curve: riskCurve(f.Curve),
		}
		for _, id := range f.Places[:min(len(f.Places), 40)] {
			v.Places = append(v.Places, placeRef(p.Tree.Place(id)))
		}
		out.Signals = append(out.Signals, v)
	}
	return &body[RiskSignals]{out}, nil
}

// RiskFilm are bands over the last weeks.
type RiskFilm struct {
	Category string      `json:"category"`
	Horizon  int         `json:"horizon"`
	Codes    []string    `json:"codes"`
	Frames   []RiskFrame `json:"frames" doc:"Oldest first"`
}

// RiskFrame are the bands of one day, in the order of the codes; -1: not enough data.
type RiskFrame struct {
	Date  string `json:"date" format:"date"`
	Bands []int  `json:"bands"`
}

type filmInput struct {
	Place    string `query:"place" maxLength:"20" doc:"Code; empty: the root"`
	Category string `query:"category" maxLength:"60" doc:"Empty: the first"`
	Horizon  int    `query:"horizon" enum:"7,30" default:"7"`
	Step     int    `query:"step" minimum:"1" maximum:"30" default:"3" doc:"Days from frame to frame"`
}

const filmDays = 90

func (s *Server) riskFilm(ctx context.Context, scope layers.Scope, in *filmInput) (*body[RiskFilm], error) {
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
	var back []int
	for d := filmDays; d > 0; d -= in.Step {
		back = append(back, d)
	}
	bands, err := p.Past(ctx, scope, place.ID, category, in.Horizon, back)
	if err != nil {
		return nil, err
	}
	out := RiskFilm{Category: category, Horizon: in.Horizon, Codes: []string{}, Frames: []RiskFrame{}}
	var ids []layers.PlaceID
	for _, c := range p.Tree.Children(place.ID) {
		if _, seen := bands[0][c.ID]; seen {
			out.Codes, ids = append(out.Codes, c.Code), append(ids, c.ID)
		}
	}
	for i, days := range back {
		f := RiskFrame{Date: date(p.Input.Day - int32(days)), Bands: make([]int, len(ids))}
		for k, id := range ids {
			f.Bands[k] = bands[i][id]
		}
		out.Frames = append(out.Frames, f)
	}
	return &body[RiskFilm]{out}, nil
}
