package api

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"onepicture/layers"
	"onepicture/layers/catalogue"
)

const (
	itemsRoute = "/api/items"
	itemsFile  = itemsRoute + "." // and xlsx or csv
)

// Items keeps the event catalogue (layers/catalogue.Keeper).
type Items interface {
	Import(ctx context.Context, scope layers.Scope, in catalogue.Import) (catalogue.Outcome, error)
	Rows(ctx context.Context, scope layers.Scope, words bool) ([][]string, error)
}

// ItemVersions are an item's versions, the latest first.
type ItemVersions struct {
	Versions []ItemVersion `json:"versions"`
}

// ItemVersion is an item as it is, was or will be from a day on.
type ItemVersion struct {
	Item
	Version     int      `json:"version"`
	Object      string   `json:"object"`
	Duty        string   `json:"duty" doc:"Boundary of the owner's duty in words"`
	LevelHours  []int    `json:"levelHours" doc:"Deadline in hours for events of the levels 1 to 4"`
	RoundClock  bool     `json:"roundClock" doc:"All hours count, not working hours only"`
	Steps       []string `json:"steps"`
	VerifyLevel string   `json:"verifyLevel" enum:"city,town,village" doc:"The lowest level whose desk may verify"`
	DupMeters   int      `json:"dupMeters" doc:"How near another report may be to be about the same"`
	DupHours    int      `json:"dupHours" doc:"How far apart in time two reports of the same may be"`
	RepeatDays  int      `json:"repeatDays" doc:"Within how many days another event of the item at the place is a repeat"`
	ValidFrom   string   `json:"validFrom" format:"date"`
	ValidTo     *string  `json:"validTo" format:"date" doc:"First day on which it is no longer; null: open"`
	Current     bool     `json:"current" doc:"Events are filed under it today"`
}

// ItemsTaken is what an import has done, or would do.
type ItemsTaken struct {
	Written  bool        `json:"written" doc:"false: a dry run, or there are faults"`
	Added    int         `json:"added"`
	Changed  int         `json:"changed" doc:"A further version"`
	Ended    int         `json:"ended" doc:"The day on which it ends was set or taken back"`
	Same     int         `json:"same"`
	Faults   []ItemFault `json:"faults"`
	Position string      `json:"position" doc:"For X-Min-Position; 0: nothing was written"`
}

// ItemFault is one thing that is wrong with the file.
type ItemFault struct {
	Row    int    `json:"row" doc:"Line or row of the file; 0: all of it"`
	Column string `json:"column"`
	Class  string `json:"class" enum:"file,header,cells,empty,number,code,twice,choice,reference,long,text,date"`
	Reason string `json:"reason"`
}

type itemsInput struct {
	Dry     bool   `query:"dry" doc:"Look only"`
	From    string `query:"from" format:"date" doc:"First day of new versions; default: today"`
	RawBody []byte `contentType:"application/octet-stream"`
}

func (s *Server) itemRoutes(a huma.API) {
	one := get("item", itemsRoute+"/{code}", "An item of the event catalogue with all its versions")
	one.Errors = []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	handle(a, one, s, s.item)
	handle(a, huma.Operation{
		OperationID: "putItems", Method: http.MethodPost, Path: itemsRoute, Summary: "Bring in items of the event catalogue",
		Description: "XLSX or CSV as docs/catalogue.md has it. All or nothing: with a single fault nothing is written, and all faults are told. " +
			"What differs makes a new version; events keep theirs.",
		MaxBodyBytes: catalogue.MaxBytes,
		Errors: []int{http.StatusForbidden, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity,
			http.StatusServiceUnavailable},
	}, s, s.putItems)
}

func (s *Server) item(_ context.Context, _ layers.Scope, in *codeInput) (*body[ItemVersions], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	out := ItemVersions{Versions: []ItemVersion{}}
	for i := range w.Catalogue.Items {
		if it := &w.Catalogue.Items[len(w.Catalogue.Items)-1-i]; it.Code == in.Code { // ids grow with versions
			out.Versions = append(out.Versions, itemVersion(w.Catalogue, it))
		}
	}
	if len(out.Versions) == 0 {
		return nil, layers.NotFound("item")
	}
	return &body[ItemVersions]{out}, nil
}

func itemVersion(c *layers.Catalogue, it *layers.Item) ItemVersion {
	meters, within := it.Near()
	v := ItemVersion{
		Item: itemView(c, it), Version: it.Version, Object: it.Object, Duty: it.Duty, RoundClock: it.RoundClock, Steps: listed(it.Steps),
		VerifyLevel: codeAt(layers.Levels[:], max(it.VerifyLevel, 1)), ValidFrom: it.ValidFrom.Format(time.DateOnly),
		DupMeters: int(meters), DupHours: int(within / time.Hour), RepeatDays: it.Repeat(),
		Current: c.ItemByCode(it.Code) == it,
	}
	if it.ValidTo != nil {
		end := it.ValidTo.Format(time.DateOnly)
		v.ValidTo = &end
	}
	for level := range uint8(4) {
		v.LevelHours = append(v.LevelHours, int(it.Deadline(level+1)/time.Hour))
	}
	return v
}

func (s *Server) putItems(ctx context.Context, scope layers.Scope, in *itemsInput) (*body[ItemsTaken], error) {
	load := catalogue.Import{File: "items", Body: in.RawBody, Dry: in.Dry}
	if in.From != "" {
		var err error
		if load.From, err = time.Parse(time.DateOnly, in.From); err != nil {
			return nil, layers.Invalid("from", "is not a date such as 2026-12-31")
		}
	}
	o, err := s.Items.Import(ctx, scope, load)
	if err != nil {
		return nil, err
	}
	out := ItemsTaken{
		Written: !in.Dry && len(o.Faults) == 0, Added: o.Added, Changed: o.Changed, Ended: o.Ended, Same: o.Same, Faults: []ItemFault{},
		Position: o.Receipt.Position.String(),
	}
	for _, f := range o.Faults {
		out.Faults = append(out.Faults, ItemFault{f.Row, f.Column, f.Class, f.Reason})
	}
	return &body[ItemsTaken]{out}, nil
}

// itemsFile gives the catalogue as a file: for people in Chinese headings as XLSX, for programs as CSV.
func (s *Server) itemsFile(c *gin.Context, scope layers.Scope) error {
	if err := seesAnything(scope); err != nil {
		return err
	}
	workbook := strings.HasSuffix(c.FullPath(), "xlsx")
	rows, err := s.Items.Rows(c.Request.Context(), scope, workbook && c.Query("lang") != "en")
	if err != nil {
		return err
	}
	var b bytes.Buffer
	kind, name, write := "text/csv; charset=utf-8", "items.csv", catalogue.WriteCSV
	if workbook {
		kind, name, write = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "items.xlsx", catalogue.WriteXLSX
	}
	if err := write(&b, rows); err != nil {
		return err
	}
	c.Header("Content-Disposition", `attachment; filename="`+name+`"`)
	c.Data(http.StatusOK, kind, b.Bytes())
	return nil
}
