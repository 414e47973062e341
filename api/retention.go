package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
)

// Retention are the rules by which is forgotten.
type Retention struct {
	Rules []RetentionRule `json:"rules"`
}

// RetentionRule is how long a kind is kept after it is over, and what the last run did that found something.
type RetentionRule struct {
	Kind string `json:"kind"`
	Named
	Days   int        `json:"days" doc:"It is kept so long after it is over; a year as 365.25 days"`
	At     *time.Time `json:"at" doc:"When something was over last; null: not yet"`
	Over   int64      `json:"over" doc:"Rows that were over before that run"`
	Gone   int64      `json:"gone" doc:"Rows that it erased or emptied"`
	Stayed int64      `json:"stayed" doc:"Rows that were over after it"`
}

func (s *Server) retentionRoutes(a huma.API) {
	handle(a, get("retention", "/api/retention", "How long what is kept, and what the daily run forgot last"), s, s.retention)
}

func (s *Server) retention(ctx context.Context, scope layers.Scope, _ *struct{}) (*body[Retention], error) {
	if err := may(scope, layers.RightAudit, "see what is forgotten"); err != nil {
		return nil, err
	}
	list, err := s.Audit.LastRuns(ctx)
	if err != nil {
		return nil, err
	}
	out := Retention{Rules: []RetentionRule{}}
	for _, r := range list {
		v := RetentionRule{Kind: r.Kind, Named: Named{r.Name, r.NameEn}, Days: int(r.Keep / (24 * time.Hour)), Over: r.Over, Gone: r.Gone, Stayed: r.Stayed}
		if !r.At.IsZero() {
			v.At = maybeTime(&r.At)
		}
		out.Rules = append(out.Rules, v)
	}
	return &body[Retention]{out}, nil
}
