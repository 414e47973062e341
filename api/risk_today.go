package api

import (
	"context"
	"math"
	"strings"
	"time"

	"onepicture/layers"
	"onepicture/layers/risk"
)

// RiskToday is what stands out over the next seven days in the places that somebody walks. It is advice, not an order.
type RiskToday struct {
	From     string      `json:"from" format:"date" doc:"First day that is estimated"`
	Position string      `json:"position"`
	AsOf     time.Time   `json:"asOf"`
	Places   []PlaceRef  `json:"places" doc:"The lowest places that were looked at, at most 60"`
	Looked   int         `json:"looked" doc:"Places times categories"`
	Unknown  int         `json:"unknown" doc:"Of those, without enough data: neither high nor low"`
	Hints    []RiskHint  `json:"hints" doc:"Signals first, then by level; at most five"`
	Alarms   []RiskAlarm `json:"alarms"`
}

// RiskHint is a kind of event that is worth a look in a place: a lowest one, or the village of one without enough data.
type RiskHint struct {
	RiskScore
	Category  string             `json:"category"`
	Usual     float64            `json:"usual" doc:"Expected in places of its level on the average"`
	Reported  int                `json:"reported30d"`
	Patrolled int                `json:"patrolled30d"`
	Signal    Maybe[RiskUnusual] `json:"signal" doc:"null: nothing unusual, it is always so"`
}

// RiskUnusual is a signal in short.
type RiskUnusual struct {
	Kind     string  `json:"kind" enum:"rise,cluster,hot"`
	Days     int     `json:"days"`
	Observed int     `json:"observed"`
	Expected float64 `json:"expected"`
}

type todayInput struct {
	Places string `query:"places" maxLength:"400" doc:"Codes with commas between them; empty: the account's own. Those that are closed or beyond the account are left out"`
}

func (s *Server) riskToday(_ context.Context, scope layers.Scope, in *todayInput) (*body[RiskToday], error) {
	p, _, err := s.riskPicture("")
	if err != nil {
		return nil, err
	}
	var places []layers.PlaceID
	for code := range strings.SplitSeq(in.Places, ",") {
		if place := p.Tree.ByCode(strings.TrimSpace(code)); place != nil {
			places = append(places, place.ID)
		}
	}
	if in.Places != "" && len(places) == 0 {
		places = []layers.PlaceID{0} // none of those, and not the own instead
	}
	t := p.Today(scope, s.Risk.Signals(), places)
	out := RiskToday{
		From: date(p.Input.Day), Position: p.Position.String(), AsOf: utc(p.At), Places: []PlaceRef{}, Looked: t.Looked, Unknown: t.Unknown,
		Hints: []RiskHint{}, Alarms: s.riskAlarms(),
	}
	for _, id := range t.Places {
		out.Places = append(out.Places, placeRef(p.Tree.Place(id)))
	}
	for i := range t.Hints {
		out.Hints = append(out.Hints, riskHint(p, &t.Hints[i]))
	}
	return &body[RiskToday]{out}, nil
}

func riskHint(p *risk.Picture, h *risk.Hint) RiskHint {
	out := RiskHint{RiskScore: riskScore(p, &h.Score), Category: h.Category, Usual: decimal(h.Usual), Reported: h.Reported, Patrolled: h.Patrolled}
	if g := h.Signal; g != nil {
		out.Signal = Some(RiskUnusual{g.Kind, g.Days, g.Observed, math.Round(g.Expected*100) / 100})
	}
	return out
}
