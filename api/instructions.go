package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
	"onepicture/layers/dispatch"
	"onepicture/layers/store"
)

// Instructions are those that were given, the latest first.
type Instructions struct {
	Instructions []Instruction `json:"instructions"`
}

// Instruction is one that an officer gave to workers.
type Instruction struct {
	ID    int64           `json:"id"`
	Text  string          `json:"text"`
	Actor string          `json:"actor" doc:"Code of the officer's account"`
	Post  Maybe[Named]    `json:"post" doc:"Of the officer as a worker; never a personal name"`
	At    time.Time       `json:"at"`
	Place Maybe[PlaceRef] `json:"place" doc:"Whose desks see it; null: the city as a whole"`
	Event *int64          `json:"event" doc:"That it is about"`
	Told  int             `json:"told" doc:"To how many it went"`
	Read  int             `json:"read" doc:"How many have acknowledged it"`
}

// InstructionDetail is an instruction with everybody whom it went to, those who have not read it first.
type InstructionDetail struct {
	Instruction
	To []InstructionTo `json:"to"`
}

// InstructionTo is a worker to whom it went.
type InstructionTo struct {
	WorkerRef
	Unit   UnitRef    `json:"unit"`
	OnDuty bool       `json:"onDuty"`
	ReadAt *time.Time `json:"readAt" doc:"When it was read, by the phone's clock; null: not yet, since the instruction was given"`
}

// ReceivedInstructions are the caller's: what is to be acknowledged first, then what was within a shift.
type ReceivedInstructions struct {
	Instructions []ReceivedInstruction `json:"instructions"`
}

// ReceivedInstruction is an instruction to the caller.
type ReceivedInstruction struct {
	ID     int64        `json:"id"`
	Text   string       `json:"text"`
	Post   Maybe[Named] `json:"post" doc:"Of the officer"`
	At     time.Time    `json:"at"`
	Event  *int64       `json:"event"`
	ReadAt *time.Time   `json:"readAt" doc:"null: to be acknowledged"`
}

// InstructBody is an instruction to give.
type InstructBody struct {
	Text    string  `json:"text" minLength:"1" maxLength:"500"`
	Workers []int32 `json:"workers,omitempty" maxItems:"200" doc:"To whom; empty: all on duty in the place"`
	Place   string  `json:"place,omitempty" maxLength:"20" doc:"Code; with workers: whose desks see it"`
	Event   int64   `json:"event,omitempty" minimum:"0" doc:"That it is about"`
}

// Instructed tells to whom it went.
type Instructed struct {
	ID       int64  `json:"id"`
	Position string `json:"position" doc:"For X-Min-Position"`
	Replayed bool   `json:"replayed"`
}

// ReadBody says when it was read.
type ReadBody struct {
	At *time.Time `json:"at,omitempty" doc:"By the phone's clock; default: now"`
}

// Acknowledged is what an acknowledgement led to.
type Acknowledged struct {
	Position string `json:"position" doc:"0: it was acknowledged before"`
	Replayed bool   `json:"replayed"`
}

type instructInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"100" doc:"A replay with the same key does nothing"`
	Body InstructBody
}

type readInput struct {
	ID   int64  `path:"id" minimum:"1"`
	Key  string `header:"Idempotency-Key" maxLength:"100" doc:"A replay with the same key does nothing"`
	Body ReadBody
}

type instructionsInput struct {
	Event int64 `query:"event" minimum:"0" doc:"About that event alone"`
	Limit int   `query:"limit" minimum:"1" maximum:"100" default:"30"`
}

func (s *Server) instructionRoutes(a huma.API) {
	refused := []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	handle(a, huma.Operation{
		OperationID: "instruct", Method: http.MethodPost, Path: "/api/instructions", Summary: "Give workers an instruction",
		Description: "To workers by number, or to all who are on duty in a place. Each must acknowledge it. docs/instructions.md.", Errors: refused,
	}, s, s.instruct)
	handle(a, get("instructions", "/api/instructions", "Instructions over the caller's places, the latest first"), s, s.instructions)
	handle(a, get("received", "/api/instructions/mine", "Instructions to the caller"), s, s.received)
	one := get("instruction", "/api/instructions/{id}", "An instruction with who has read it")
	one.Errors = refused
	handle(a, one, s, s.instruction)
	handle(a, huma.Operation{
		OperationID: "acknowledge", Method: http.MethodPost, Path: "/api/instructions/{id}/read", Summary: "Acknowledge an instruction", Errors: refused,
	}, s, s.acknowledge)
}

func (s *Server) instruct(ctx context.Context, scope layers.Scope, in *instructInput) (*body[Instructed], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	o := dispatch.Order{Text: in.Body.Text, Workers: in.Body.Workers, Event: in.Body.Event, ClientKey: in.Key}
	if in.Body.Place != "" && in.Body.Place != wholeCode {
		p := w.Tree.ByCode(in.Body.Place)
		if p == nil {
			return nil, layers.Invalid("place", "is not the code of a place")
		}
		o.Place = p.ID
	}
	receipt, err := s.Desk.Instruct(ctx, scope, o)
	if err != nil {
		return nil, err
	}
	return &body[Instructed]{Instructed{receipt.FeatureID, receipt.Position.String(), receipt.Replayed}}, nil
}

func (s *Server) instructions(ctx context.Context, scope layers.Scope, in *instructionsInput) (*body[Instructions], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	list, err := s.Desk.Instructions(ctx, scope, in.Event, in.Limit)
	if err != nil {
		return nil, err
	}
	out := Instructions{Instructions: []Instruction{}}
	for i := range list {
		out.Instructions = append(out.Instructions, instructionView(w, &list[i]))
	}
	return &body[Instructions]{out}, nil
}

func instructionView(w *store.World, i *dispatch.Instruction) Instruction {
	v := Instruction{
		ID: i.ID, Text: i.Text, Actor: i.Actor, At: utc(i.At), Place: maybePlace(w.Tree, i.Place), Event: maybeID(i.Event), Told: i.Told, Read: i.Read,
	}
	if i.Label != "" {
		v.Post = Some(Named{i.Label, i.LabelEn})
	}
	return v
}

func maybeID(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}

func (s *Server) instruction(ctx context.Context, scope layers.Scope, in *idInput) (*body[InstructionDetail], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	i, err := s.Desk.Instruction(ctx, scope, in.ID)
	if err != nil {
		return nil, err
	}
	out := InstructionDetail{Instruction: instructionView(w, &i), To: []InstructionTo{}}
	for _, to := range i.To {
		out.To = append(out.To, InstructionTo{WorkerRef{to.Worker, Named{to.Label, to.LabelEn}}, unitRef(to.Unit), to.OnDuty, maybeTime(to.ReadAt)})
	}
	return &body[InstructionDetail]{out}, nil
}

func (s *Server) received(ctx context.Context, scope layers.Scope, _ *struct{}) (*body[ReceivedInstructions], error) {
	list, err := s.Desk.Received(ctx, scope)
	if err != nil {
		return nil, err
	}
	out := ReceivedInstructions{Instructions: []ReceivedInstruction{}}
	for _, r := range list {
		v := ReceivedInstruction{ID: r.ID, Text: r.Text, At: utc(r.At), Event: maybeID(r.Event), ReadAt: maybeTime(r.ReadAt)}
		if r.Label != "" {
			v.Post = Some(Named{r.Label, r.LabelEn})
		}
		out.Instructions = append(out.Instructions, v)
	}
	return &body[ReceivedInstructions]{out}, nil
}

func (s *Server) acknowledge(ctx context.Context, scope layers.Scope, in *readInput) (*body[Acknowledged], error) {
	var at time.Time
	if in.Body.At != nil {
		at = *in.Body.At
	}
	receipt, err := s.Desk.Acknowledge(ctx, scope, in.ID, at, in.Key)
	if err != nil {
		return nil, err
	}
	return &body[Acknowledged]{Acknowledged{receipt.Position.String(), receipt.Replayed}}, nil
}
