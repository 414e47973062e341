package api

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"onepicture/layers"
	"onepicture/layers/audit"
)

// auditFile is the audit of a time as CSV.
const auditFile = "/api/audit.csv"

// Deed is one row of the audit.
type Deed struct {
	Seq      int64     `json:"seq" doc:"Number in the chain, without gaps"`
	At       time.Time `json:"at"`
	Actor    string    `json:"actor" doc:"Code of an account or a program"`
	What     string    `json:"what" enum:"read,search,export,unmask,change,grant,sign_in,refused,retention"`
	Subject  string    `json:"subject" doc:"person, event, a route"`
	ID       *int64    `json:"id" doc:"Of the subject; null: none, or many"`
	Purpose  string    `json:"purpose"`
	Reason   string    `json:"reason"`
	Filter   string    `json:"filter" doc:"What was asked, without personal values"`
	Rows     int64     `json:"rows"`
	Position string    `json:"position" doc:"Of the picture that was shown"`
	Request  string    `json:"request"`
	Alert    bool      `json:"alert" doc:"The auditor must look at it"`
	Hash     string    `json:"hash" doc:"SHA-256 over the row and the one before"`
}

// Deeds are a page of the audit, newest first.
type Deeds struct {
	Deeds []Deed `json:"deeds"`
	Next  *int64 `json:"next" doc:"For before; null at the end"`
}

// Chain is what a verification of the whole audit found.
type Chain struct {
	Whole    bool           `json:"whole"`
	Rows     int64          `json:"rows"`
	From     int64          `json:"from" doc:"Number of the first row that is kept"`
	Through  int64          `json:"through" doc:"Number of the last row"`
	Heads    int            `json:"heads" doc:"Heads outside the database that were compared"`
	Findings []ChainFinding `json:"findings"`
}

// ChainFinding is a place where the audit is not as it was written.
type ChainFinding struct {
	Kind  string `json:"kind"`
	First int64  `json:"first"`
	Last  int64  `json:"last"`
	Words string `json:"words"`
}

// deedsInput chooses rows.
type deedsInput struct {
	From    time.Time `query:"from" doc:"At that time or later"`
	To      time.Time `query:"to" doc:"Before that time"`
	Actor   string    `query:"actor" maxLength:"60"`
	What    string    `query:"what" enum:"read,search,export,unmask,change,grant,sign_in,refused,retention"`
	Subject string    `query:"subject" maxLength:"200"`
	ID      int64     `query:"id" minimum:"0" doc:"Of the subject"`
	Purpose string    `query:"purpose" maxLength:"60"`
	Alerts  bool      `query:"alerts" doc:"Only those that the auditor must look at"`
	Before  int64     `query:"before" minimum:"0" doc:"next of the page before"`
	Limit   int       `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

func (in *deedsInput) query() audit.Query {
	return audit.Query{
		Span: audit.Span{From: in.From, To: in.To}, Actor: in.Actor, What: audit.What(in.What), Subject: in.Subject, ID: in.ID,
		Purpose: in.Purpose, Alerts: in.Alerts, Before: in.Before, Limit: in.Limit,
	}
}

// words are what was searched for, for the record of the search itself.
func (in *deedsInput) words() string {
	var b strings.Builder
	add := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s=%s ", name, value)
		}
	}
	if !in.From.IsZero() {
		add("from", in.From.UTC().Format(time.RFC3339))
	}
	if !in.To.IsZero() {
		add("to", in.To.UTC().Format(time.RFC3339))
	}
	add("actor", in.Actor)
	add("what", in.What)
	add("subject", in.Subject)
	if in.ID != 0 {
		add("id", fmt.Sprint(in.ID))
	}
	add("purpose", in.Purpose)
	if in.Alerts {
		add("alerts", "only")
	}
	return strings.TrimSpace(b.String())
}

func (s *Server) auditRoutes(a huma.API) {
	handle(a, as(get("audit", "/api/audit", "Who saw and did what, newest first"), audit.Search), s, s.deeds)
	handle(a, as(get("auditChain", "/api/audit/chain", "Verify the chain of the audit"), audit.Search), s, s.chain)
	s.retentionRoutes(a)
}

// may refuses a scope without the right.
func may(scope layers.Scope, right layers.Rights, what string) error {
	if !scope.Rights.Has(right) {
		return layers.Forbidden("this account may not " + what)
	}
	return nil
}

func (s *Server) deeds(ctx context.Context, scope layers.Scope, in *deedsInput) (*recorded[Deeds], error) {
	if err := may(scope, layers.RightAudit, "read the audit"); err != nil {
		return nil, err
	}
	rows, err := s.Audit.Find(ctx, in.query())
	if err != nil {
		return nil, err
	}
	out := Deeds{Deeds: []Deed{}}
	for i := range rows {
		out.Deeds = append(out.Deeds, deedView(&rows[i]))
	}
	if len(rows) == in.Limit && rows[len(rows)-1].Seq > 1 {
		out.Next = &rows[len(rows)-1].Seq
	}
	return &recorded[Deeds]{out, audit.Entry{What: audit.Search, Subject: "audit", Filter: in.words(), Rows: int64(len(rows))}}, nil
}

func deedView(r *audit.Row) Deed {
	d := Deed{
		Seq: r.Seq, At: utc(r.At), Actor: r.Actor, What: string(r.What), Subject: r.Subject, Purpose: r.Purpose, Reason: r.Reason,
		Filter: r.Filter, Rows: r.Rows, Position: r.Position.String(), Request: r.Request, Alert: r.Alert, Hash: hex.EncodeToString(r.Hash[:]),
	}
	if r.ID != 0 {
		d.ID = &r.ID
	}
	return d
}

func (s *Server) chain(ctx context.Context, scope layers.Scope, _ *struct{}) (*recorded[Chain], error) {
	if err := may(scope, layers.RightAudit, "verify the audit"); err != nil {
		return nil, err
	}
	r, err := s.Audit.Verify(ctx)
	if err != nil {
		return nil, err
	}
	out := Chain{Whole: r.Whole(), Rows: r.Rows, From: r.From, Through: r.Head.Seq, Heads: r.Anchors, Findings: []ChainFinding{}}
	for _, f := range r.Findings {
		out.Findings = append(out.Findings, ChainFinding(f))
	}
	return &recorded[Chain]{out, audit.Entry{What: audit.Search, Subject: "audit chain", Rows: r.Rows}}, nil
}

// auditCSV gives the rows of a time with all that is needed to verify them elsewhere. They are written to a file first:
// an answer that ends early would look whole.
func (s *Server) auditCSV(c *gin.Context, scope layers.Scope) (err error) {
	began := time.Now()
	if err := may(scope, layers.RightAudit, "export the audit"); err != nil {
		return err
	}
	var span audit.Span
	for field, at := range map[string]*time.Time{"from": &span.From, "to": &span.To} {
		if text := c.Query(field); text != "" {
			if *at, err = time.Parse(time.RFC3339, text); err != nil {
				return layers.Invalid(field, "is not a time such as 2026-01-31T08:00:00Z")
			}
		}
	}
	f, err := os.CreateTemp("", "audit-*.csv")
	if err != nil {
		return fmt.Errorf("export the audit: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	ctx := c.Request.Context()
	n, err := s.Audit.WriteCSV(ctx, span, f)
	if err != nil {
		return err
	}
	e := audit.Entry{What: audit.Export, Subject: "audit", Filter: (&deedsInput{From: span.From, To: span.To}).words(), Rows: n}
	if err := s.Audit.Record(ctx, s.complete(ctx, scope, e, began)); err != nil {
		return err
	}
	size, err := f.Seek(0, io.SeekCurrent)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("export the audit: %w", err)
	}
	c.DataFromReader(http.StatusOK, size, "text/csv; charset=utf-8", f, map[string]string{
		"Content-Disposition": `attachment; filename="audit.csv"`,
	})
	return nil
}
