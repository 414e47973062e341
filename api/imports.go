package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
)

// Imports tells of the runs of the import.
type Imports interface {
	// Runs are the latest runs, newest first.
	Runs(ctx context.Context, limit int) ([]ImportRun, error)
	// Rejected are rows that a run set aside, by row, after a row; not found when there is no such run.
	Rejected(ctx context.Context, run, after int64, limit int) ([]RejectedRow, error)
}

// ImportRun is one run: read = put + unchanged + rejected.
type ImportRun struct {
	ID          int64      `json:"id"`
	Kind        string     `json:"kind"`
	Source      string     `json:"source"`
	File        string     `json:"file"`
	State       string     `json:"state" enum:"running,done,failed,cancelled"`
	Read        int64      `json:"read"`
	Put         int64      `json:"put"`
	Unchanged   int64      `json:"unchanged"`
	Rejected    int64      `json:"rejected"`
	Outside     int64      `json:"outside"`
	Overlapping int64      `json:"overlapping"`
	Repaired    int64      `json:"repaired"`
	StartedAt   time.Time  `json:"startedAt"`
	EndedAt     *time.Time `json:"endedAt"`
	Message     string     `json:"message"`
}

// RejectedRow is a row that was set aside: where and why, never its values.
type RejectedRow struct {
	Row    int64  `json:"row"`
	Column string `json:"column"`
	Class  string `json:"class"`
	Reason string `json:"reason"`
}

// ImportRuns is a list of runs.
type ImportRuns struct {
	Runs []ImportRun `json:"runs"`
}

// RejectedRows is a list of rows.
type RejectedRows struct {
	Rows []RejectedRow `json:"rows"`
}

type importsInput struct {
	Limit int `query:"limit" minimum:"1" maximum:"200" default:"20"`
}

type rejectedInput struct {
	ID    int64 `path:"id" minimum:"1"`
	Limit int   `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	After int64 `query:"after" minimum:"0" doc:"The last row that was seen"`
}

func (s *Server) importRoutes(a huma.API) {
	handle(a, get("imports", "/api/imports", "The latest imports"), s, s.imports)
	handle(a, get("rejected", "/api/imports/{id}/rejected", "Rows that an import set aside"), s, s.rejected)
}

func (s *Server) imports(ctx context.Context, _ layers.Scope, in *importsInput) (*body[ImportRuns], error) {
	runs, err := s.Imports.Runs(ctx, in.Limit)
	if err != nil {
		return nil, err
	}
	return &body[ImportRuns]{ImportRuns{append([]ImportRun{}, runs...)}}, nil
}

func (s *Server) rejected(ctx context.Context, _ layers.Scope, in *rejectedInput) (*body[RejectedRows], error) {
	rows, err := s.Imports.Rejected(ctx, in.ID, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	return &body[RejectedRows]{RejectedRows{append([]RejectedRow{}, rows...)}}, nil
}
