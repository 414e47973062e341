package risk

import (
	"strconv"
	"sync"
	"time"

	"onepicture/layers"
	"onepicture/layers/risk/model"
)

// Fitted is a frozen version of all models.
type Fitted struct {
	ID         int        `json:"-"`
	MadeAt     time.Time  `json:"-"`
	Day        int32      `json:"-"`
	Places     []byte     `json:"-"` // digest of the tree that it belongs to
	Start      int32      `json:"start"`
	Backtest   int        `json:"backtest"` // that decided on the terms; 0: none yet
	Categories []Category `json:"categories"`
}

// Category is the model of one category.
type Category struct {
	Class     uint16                  `json:"class"`
	Code      string                  `json:"code"`
	Spec      model.Spec              `json:"spec"`
	Proven    bool                    `json:"proven"` // by a back-test on this deployment's events
	Params    [channels]*model.Params `json:"params"` // nil: no such events
	Shared    float64                 `json:"shared"`
	Reference [5]float64              `json:"reference"` // by level: mean over its places of what is expected in referenceDays
	Complete  float64                 `json:"complete"`  // share of the last year's events with a channel and a place
}

// Horizons that are estimated, in days.
var Horizons = []int{7, 30}

const (
	fitHorizon    = 7
	referenceDays = 7
)

// Input is from which position on a model, a day and silent sources hold.
type Input struct {
	ID       int
	At       time.Time
	Position layers.Position
	ModelID  int
	Day      int32 // the first that is estimated: tomorrow
	Silences []Silence
}

// Picture is the estimate of all places at one position. It is immutable.
type Picture struct {
	Position layers.Position
	At       time.Time
	Model    *Fitted
	Input    *Input
	Division *Division
	Tree     *layers.Tree
	World    *World

	panels  map[uint16]*[channels]model.Panel
	kernels map[uint16]*[channels]*model.Kernel
	fields  map[fieldKey]*field
	node    map[layers.PlaceID]int32
	level   []uint8           // by node
	peers   [5][]int32        // nodes by level
	past    map[fieldKey]past // of days before, made when first asked for
	pastMu  *sync.Mutex
}

type fieldKey struct {
	class   uint16
	horizon int
}

// past are fields by how many days back.
type past map[int]*field

// Version names what the scores were computed by: model and input.
func (p *Picture) Version() string {
	return "m" + strconv.Itoa(p.Model.ID) + ".i" + strconv.Itoa(p.Input.ID)
}

// Category finds a category by code; nil when it is not estimated.
func (p *Picture) Category(code string) *Category {
	for i := range p.Model.Categories {
		if p.Model.Categories[i].Code == code {
			return &p.Model.Categories[i]
		}
	}
	return nil
}

func (p *Picture) horizonOf(f *field) int {
	for k, other := range p.fields {
		if other == f {
			return k.horizon
		}
	}
	return referenceDays
}

// places finds the nodes of places: a place with others below it is told with all of them.
func (p *Picture) places() {
	p.node = map[layers.PlaceID]int32{}
	p.level = make([]uint8, len(p.Division.Nodes))
	for i, id := range p.Division.Nodes { // inner places come after their rests, and win
		p.node[id] = int32(i)
	}
	for id, i := range p.node {
		p.level[i] = p.Tree.Place(id).Level
	}
	for i := range p.Division.Nodes {
		if l := p.level[i]; l > 0 {
			p.peers[l] = append(p.peers[l], int32(i))
		}
	}
}

// compute the fields of some categories; the others are taken from the picture before.
func (p *Picture) compute(before *Picture, touched func(class uint16) bool) {
	p.fields = map[fieldKey]*field{}
	p.past, p.pastMu = map[fieldKey]past{}, &sync.Mutex{}
	for i := range p.Model.Categories {
		c := &p.Model.Categories[i]
		if before != nil && !touched(c.Class) {
			for _, h := range Horizons {
				p.fields[fieldKey{c.Class, h}] = before.fields[fieldKey{c.Class, h}]
			}
			continue
		}
		e := newEstimate(p.Division, c, p.panels[c.Class], p.kernels[c.Class], p.Input.Day, true, p.Input.Silences)
		for _, h := range Horizons {
			p.fields[fieldKey{c.Class, h}] = e.over(h)
		}
	}
}

// daysBack is the field as the same model says from what was known some days before. Of what came to be known later
// about those days it knows nothing apart: events count from the day that they are reported of.
func (p *Picture) daysBack(c *Category, horizon, back int) *field {
	p.pastMu.Lock()
	defer p.pastMu.Unlock()
	k := fieldKey{c.Class, horizon}
	if p.past[k] == nil {
		p.past[k] = past{}
	}
	if f := p.past[k][back]; f != nil {
		return f
	}
	e := newEstimate(p.Division, c, p.panels[c.Class], p.kernels[c.Class], p.Input.Day-int32(back), false, p.Input.Silences)
	f := e.over(horizon)
	p.past[k][back] = f
	return f
}
