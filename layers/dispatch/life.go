package dispatch

import (
	"fmt"
	"slices"
	"strings"

	"onepicture/layers"
)

// Party is what somebody is to an event, one bit each. One actor may be several.
type Party uint16

// The parties.
const (
	Commander Party = 1 << iota // sits at the desk of the commanding level, or of one above, over the event's place
	Above                       // sits at a desk above the commanding level
	Verifier                    // a commander who has had no hand in the handling
	Lead                        // has the event as its handler: in person, or as one of the unit that has it
	Support                     // has a part of a joint task
	Reporter                    // reported it
	Clock                       // nobody: its clock
	Beside                      // nobody: it comes with the step of another event
)

// parties are their words in the table that is generated.
var parties = []struct {
	Party    Party
	Zh, Text string
}{
	{Commander, "指挥席", "desk of the commanding level or of one above"},
	{Above, "上级指挥席", "desk of a level above the commanding one"},
	{Verifier, "核查人", "such a desk's officer who has had no hand in the handling"},
	{Lead, "主办", "handler: the worker, or any worker of the unit that has it"},
	{Support, "协办", "supporter in a joint task"},
	{Reporter, "上报人", "who reported it"},
	{Clock, "时钟", "nobody: a deadline came near or has passed"},
	{Beside, "并案", "nobody: it comes with the step of another event, in one transaction"},
}

// Need is what a step must bring, one bit each.
type Need uint16

// The needs.
const (
	NeedReason    Need = 1 << iota
	NeedNote           // what was done, in words
	NeedEvidence       // as many photos as the item demands
	NeedAssignees      // to whom
	NeedVersion        // the state version that the doer saw
	NeedLevelUp        // there is a level above the commanding one
	NeedLevelDown      // there is a level below the commanding one
	NeedParts          // every supporter of a joint task has done his part
	NeedPlace          // where it was done
	NeedInto           // the event that it is about too
)

var needs = []struct {
	Need Need
	Code string
	Zh   string
}{
	{NeedReason, "reason", "理由"},
	{NeedNote, "note", "说明"},
	{NeedEvidence, "evidence", "事项要求的照片"},
	{NeedAssignees, "assignees", "承办人"},
	{NeedPlace, "place", "位置"},
	{NeedVersion, "version", "状态版本"},
	{NeedInto, "into", "并入的事件"},
	{NeedLevelUp, "", "有上一级"},
	{NeedLevelDown, "", "有下一级"},
	{NeedParts, "", "协办均已完成"},
}

// Needs are the codes of the inputs that must be given.
func (n Need) Needs() []string {
	out := []string{}
	for _, k := range needs {
		if n&k.Need != 0 && k.Code != "" {
			out = append(out, k.Code)
		}
	}
	return out
}

// same stands for the state that the event is in.
const same = layers.StatusUnknown

// back stands for the state that the event was in before it was merged.
const back uint8 = 255

// Transition is a way from states to a state. It is the whole of what the life of an event allows.
type Transition struct {
	Step   string // its code
	Zh     string
	From   []uint8
	To     uint8 // same: the state does not change, nor does the state version
	Who    Party // any of them
	Needs  Need
	Effect string // what else happens, for the table
}

const (
	report    = layers.StatusReport
	accept    = layers.StatusAccept
	sent      = layers.StatusDispatch
	handle    = layers.StatusHandle
	feedback  = layers.StatusFeedback
	verified  = layers.StatusVerify
	closed    = layers.StatusClose
	void      = layers.StatusVoid
	suspended = layers.StatusSuspended
	merged    = layers.StatusMerged
)

// Life is the state machine. Nothing else in the program decides which step may follow which, nor who may take it.
var Life = []Transition{
	{"accept", "受理", []uint8{report}, accept, Commander, NeedVersion, "category, item and level may be put right; where an automatic rule acts it is dispatched at once"},
	{"void", "作废", []uint8{report, accept, sent}, void, Commander, NeedReason | NeedVersion, "assignments end"},
	{"dispatch", "派遣", []uint8{accept}, sent, Commander, NeedAssignees | NeedVersion, "the clock starts; against the rule that acts it needs a reason"},
	{"handover", "转派", []uint8{sent, handle}, sent, Commander | Lead, NeedAssignees | NeedReason | NeedVersion, "the old assignments end; a handler gives it to others of the own unit only; the clock goes on"},
	{"join", "联合处置", []uint8{sent, handle}, same, Commander, NeedAssignees, "supporters are added; the lead stays"},
	{"return", "退回", []uint8{sent, handle}, accept, Lead, NeedReason, "assignments end; the clock stops until it is dispatched again"},
	{"start", "处置", []uint8{sent}, handle, Lead, 0, ""},
	{"arrive", "到场", []uint8{handle}, same, Lead | Support, NeedPlace, ""},
	{"part", "协办完成", []uint8{handle}, same, Support, NeedNote, "the supporter's part is done"},
	{"feedback", "反馈", []uint8{handle}, feedback, Lead, NeedNote | NeedEvidence | NeedParts, "the clock stops"},
	{"verify", "核查通过", []uint8{feedback}, verified, Verifier, NeedVersion, ""},
	{"reject", "核查退回", []uint8{feedback, verified}, handle, Verifier, NeedReason | NeedVersion, "the clock goes on from where it stood"},
	{"close", "结案", []uint8{verified}, closed, Commander, NeedVersion, "assignments end"},
	{"suspend", "挂起", []uint8{handle}, suspended, Commander, NeedReason | NeedVersion, "the clock pauses"},
	{"resume", "恢复", []uint8{suspended}, handle, Commander | Lead, 0, "the clock goes on; the deadline moves by the working time that passed"},
	{"whistle", "吹哨", []uint8{sent, handle}, accept, Lead, NeedReason | NeedLevelUp, "the level above commands; assignments end"},
	{"escalate", "上报", []uint8{report, accept, sent, handle}, accept, Commander, NeedReason | NeedVersion | NeedLevelUp, "the level above commands; assignments end"},
	{"takeover", "提级接管", []uint8{report, accept, sent, handle, feedback, verified, suspended}, same, Above, NeedReason | NeedVersion, "the taker's level commands; assignments stay"},
	{"handback", "下交", []uint8{accept}, accept, Commander, NeedReason | NeedVersion | NeedLevelDown, "the level below commands"},
	{"reopen", "重开", []uint8{closed, void}, accept, Commander, NeedReason | NeedVersion, ""},
	{"urge", "督办", []uint8{sent, handle}, same, Commander, NeedNote, ""},
	{"warn", "预警", []uint8{sent, handle}, same, Clock, 0, "once a deadline"},
	{"overdue", "超时", []uint8{sent, handle}, same, Clock, 0, "once a deadline"},
	{"raise", "超时提级", []uint8{report, accept, sent, handle}, same, Clock, NeedLevelUp, "the level above commands; assignments stay"},
	{"merge", "并案", []uint8{report, accept, sent, handle}, merged, Commander, NeedInto | NeedVersion, "it is about the same as another event, commanded by the same desk, which neither has ended nor was merged itself; none has been merged into it; its clock stands still, and it is counted no more"},
	{"unmerge", "撤销并案", []uint8{merged}, back, Commander, NeedReason | NeedVersion, "all is as it was; the clock goes on and the deadline moves by the working time that passed"},
	{"gather", "收并", []uint8{report, accept, sent, handle, feedback, verified, suspended}, same, Beside, 0, "another event was merged into this one"},
	{"release", "解并", []uint8{report, accept, sent, handle, feedback, verified, closed, void, suspended}, same, Beside, 0, "the merge of another event into this one was undone"},
	{"note", "备注", []uint8{report, accept, sent, handle, feedback, verified, suspended, closed}, same, Commander | Lead | Support | Reporter, NeedNote, ""},
}

// transitionOf finds a step by its code; nil when there is none.
func transitionOf(step string) *Transition {
	for i := range Life {
		if Life[i].Step == step {
			return &Life[i]
		}
	}
	return nil
}

// Steps are the codes of all steps, in the table's order.
func Steps() []string {
	out := make([]string, len(Life))
	for i := range Life {
		out[i] = Life[i].Step
	}
	return out
}

// moves tells that the step changes the state, and with it the state version. Taking over and raising change who
// commands.
func (t *Transition) moves() bool { return t.To != same || t.Step == "takeover" || t.Step == "raise" }

// allows tells whether a party may take the step in that state at that commanding level.
func (t *Transition) allows(status uint8, is Party, command uint8) bool {
	return slices.Contains(t.From, status) && t.Who&is != 0 &&
		(t.Needs&NeedLevelUp == 0 || command > layers.LevelCity) &&
		(t.Needs&NeedLevelDown == 0 || command < layers.LevelVillage)
}

// Document is the state machine as docs/event-life.md shows it.
func Document() string {
	var b strings.Builder
	b.WriteString("<!-- Written by: go test ./layers/dispatch -run TestTheDocumentIsTheTable -write -->\n# The life of an event\n\n" +
		"Generated from `layers/dispatch/life.go`, the only place that decides it. Steps that keep the state keep the state\nversion too, save taking over and raising.\n\n## States\n\n| number | code |\n|---|---|\n")
	for i, s := range layers.Statuses[1:] {
		fmt.Fprintf(&b, "| %d | %s |\n", i+1, s)
	}
	b.WriteString("\nThe item of the catalogue, in the version under which the event was filed, may ask for more at a step and say which level\n" +
		"verifies at the lowest: docs/catalogue.md.\n")
	b.WriteString("\n## Parties\n\n| party | who |\n|---|---|\n")
	for _, p := range parties {
		fmt.Fprintf(&b, "| %s | %s |\n", p.Zh, p.Text)
	}
	b.WriteString("\nA desk's level is the highest place above the event that its account may see the records of: city, town or village.\n" +
		"Field workers sit at no desk, whatever they see.\n\n## Steps\n\n| step | 中文 | from | to | who | must bring | and |\n|---|---|---|---|---|---|---|\n")
	for i := range Life {
		t := &Life[i]
		from := make([]string, len(t.From))
		for j, s := range t.From {
			from[j] = layers.Statuses[s]
		}
		to := "the same"
		switch t.To {
		case same:
		case back:
			to = "as it was"
		default:
			to = layers.Statuses[t.To]
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", t.Step, t.Zh, strings.Join(from, ", "), to, t.who(), t.must(), t.Effect)
	}
	return b.String()
}

func (t *Transition) who() string {
	var out []string
	for _, p := range parties {
		if t.Who&p.Party != 0 {
			out = append(out, p.Zh)
		}
	}
	return strings.Join(out, ", ")
}

func (t *Transition) must() string {
	var out []string
	for _, n := range needs {
		if t.Needs&n.Need != 0 {
			out = append(out, n.Zh)
		}
	}
	return strings.Join(out, ", ")
}
