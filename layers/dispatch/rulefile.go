package dispatch

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"onepicture/layers"
	"onepicture/layers/ledger"
)

// ruleColumns are those of the file of rules. id is written and, read, left alone.
var ruleColumns = []string{"id", "item", "category", "place", "hours", "unit", "worker", "automatic", "note"}

// Fault is one error of a file of rules.
type Fault struct {
	Line   int    // of the file, from 1
	Column string // empty: the line as a whole
	Words  string
}

// RuleImport is what became of a file of rules.
type RuleImport struct {
	Read, Added, Known int
	Faults             []Fault // when there is one, nothing was written
}

var errFaults = errors.New("the file has faults")

// ExportRules writes the rules that stand as CSV in UTF-8, which ImportRules reads.
func (d *Desk) ExportRules(ctx context.Context, scope layers.Scope, to io.Writer) error {
	list, err := d.Rules(ctx, scope, false)
	if err != nil {
		return err
	}
	w := csv.NewWriter(to)
	_ = w.Write(ruleColumns) // Error tells
	for _, r := range list {
		place, worker, automatic := "", "", ""
		if p := d.picture.Tree().Place(r.Place); p != nil {
			place = p.Code
		}
		if r.Worker != 0 {
			worker = strconv.Itoa(int(r.Worker))
		}
		if r.Automatic {
			automatic = "1"
		}
		_ = w.Write([]string{strconv.Itoa(int(r.ID)), r.Item, r.Category, place, r.Hours, r.Unit.Code, worker, automatic, r.Note})
	}
	w.Flush()
	return w.Error()
}

// ImportRules adds the rules of a CSV file in one transaction. A rule for whose item, place and time one stands is left as
// it is, so the same file again changes nothing. All faults are told at once, and then nothing is written; a trial writes
// nothing in any case.
func (d *Desk) ImportRules(ctx context.Context, scope layers.Scope, text string, trial bool) (RuleImport, error) {
	rules, lines, faults := readRules(text)
	out := RuleImport{Read: len(rules), Faults: faults}
	err := d.writeRules(ctx, scope, "import of dispatch rules", func(tx *ledger.Tx) error {
		out.Added, out.Known = 0, 0
		out.Faults = slices.Clone(faults)
		for i, n := range rules {
			_, err := d.addRule(ctx, tx, scope.Actor, n)
			var told *layers.Error
			switch {
			case errors.As(err, &told):
				out.Faults = append(out.Faults, Fault{lines[i], told.Field, told.Message})
			case errors.Is(err, pgx.ErrNoRows):
				out.Known++
			case err != nil:
				return err
			default:
				out.Added++
			}
		}
		if trial || len(out.Faults) > 0 || out.Added == 0 {
			return errFaults
		}
		return nil
	})
	if errors.Is(err, errFaults) {
		err = nil
	}
	slices.SortStableFunc(out.Faults, func(a, b Fault) int { return a.Line - b.Line })
	if len(out.Faults) > 0 {
		out.Added = 0
	}
	return out, err
}

// readRules reads what can be read of a file.
func readRules(text string) (rules []NewRule, lines []int, faults []Fault) {
	in := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	in.FieldsPerRecord = -1
	head, err := in.Read()
	if err != nil {
		return nil, nil, []Fault{{1, "", "the file is empty, or its first line cannot be read"}}
	}
	at := map[string]int{}
	for i, name := range head {
		name = strings.TrimSpace(name)
		if !slices.Contains(ruleColumns, name) {
			faults = append(faults, Fault{1, name, "is not a column of this file"})
		}
		at[name] = i
	}
	if _, ok := at["unit"]; !ok {
		return nil, nil, append(faults, Fault{1, "unit", "is missing"})
	}
	for {
		row, err := in.Read()
		line := 0
		if err == nil {
			line, _ = in.FieldPos(0)
		}
		switch {
		case errors.Is(err, io.EOF):
			return rules, lines, faults
		case err != nil:
			var p *csv.ParseError
			if errors.As(err, &p) {
				line = p.Line
			}
			return rules, lines, append(faults, Fault{line, "", "cannot be read: a quotation mark is missing or too many"})
		case len(row) != len(head):
			faults = append(faults, Fault{line, "", fmt.Sprintf("has %d fields, the first line has %d", len(row), len(head))})
			continue
		}
		get := func(name string) string {
			if i, ok := at[name]; ok {
				return strings.TrimSpace(row[i])
			}
			return ""
		}
		n := NewRule{Item: get("item"), Category: get("category"), Place: get("place"), Hours: get("hours"), Unit: get("unit"), Note: get("note")}
		if text := get("worker"); text != "" {
			id, err := strconv.ParseInt(text, 10, 32)
			if err != nil || id < 1 {
				faults = append(faults, Fault{line, "worker", "is not the number of a worker"})
				continue
			}
			n.Worker = int32(id)
		}
		switch get("automatic") {
		case "", "0":
		case "1":
			n.Automatic = true
		default:
			faults = append(faults, Fault{line, "automatic", "must be 0 or 1"})
			continue
		}
		rules, lines = append(rules, n), append(lines, line)
	}
}
