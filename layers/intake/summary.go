package intake

import (
	"time"

	"onepicture/layers"
)

// Summary tells what an import did. Of every file Read = Put + Unchanged + Rejected, and Put = New + Changed.
type Summary struct {
	Kind    layers.Kind
	Source  string
	DryRun  bool
	Files   []FileSummary
	Moved   int64    // places: features that lie in another place since
	Notes   []string // warnings about the whole, such as overlapping places
	Elapsed time.Duration
}

// FileSummary tells what became of one file's rows.
type FileSummary struct {
	RunID       int64 // 0 in a dry run
	File        string
	State       string // done, failed, cancelled
	Message     string
	Total       int64 // rows in the file
	Read        int64
	Put         int64
	New         int64
	Changed     int64
	Unchanged   int64
	Rejected    int64
	Outside     int64            // put or unchanged rows that lie in no place
	Overlapping int64            // in several places of one level
	Repaired    int64            // rows put or unchanged whose geometry was repaired
	Twice       int64            // local times that came twice that day; the first was taken
	Repairs     map[string]int64 // by kind of repair
	Faults      map[string]int64 // rejected rows by class
	Report      string           // path of the CSV report; empty when nothing was rejected
	Elapsed     time.Duration
}

func newFileSummary(f *file) FileSummary {
	return FileSummary{File: f.name, Total: f.rows, State: "running", Repairs: map[string]int64{}, Faults: map[string]int64{}}
}

// Total is the sum over the files.
func (s Summary) Total() FileSummary {
	t := FileSummary{File: "all", Repairs: map[string]int64{}, Faults: map[string]int64{}, Elapsed: s.Elapsed}
	for _, f := range s.Files {
		t.Total += f.Total
		t.add(f)
	}
	return t
}

// add counts the rows of another on top; its run, file and state are not taken over.
func (f *FileSummary) add(o FileSummary) {
	f.Read += o.Read
	f.Put += o.Put
	f.New += o.New
	f.Changed += o.Changed
	f.Unchanged += o.Unchanged
	f.Rejected += o.Rejected
	f.Outside += o.Outside
	f.Overlapping += o.Overlapping
	f.Repaired += o.Repaired
	f.Twice += o.Twice
	for k, n := range o.Repairs {
		f.Repairs[k] += n
	}
	for k, n := range o.Faults {
		f.Faults[k] += n
	}
}

// count tells one row that was put or found unchanged.
func (f *FileSummary) count(p *prepared) {
	if p.outside {
		f.Outside++
	}
	if p.overlapping {
		f.Overlapping++
	}
	if p.twice {
		f.Twice++
	}
	if len(p.repairs) > 0 {
		f.Repaired++
	}
	for _, kind := range p.repairs {
		f.Repairs[kind]++
	}
}
