package dispatch

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"onepicture/layers"
)

// instruct gives an instruction that must be taken.
func (h *hub) instruct(by layers.Scope, o Order) int64 {
	h.t.Helper()
	if o.Text == "" {
		o.Text = "请到江边值守"
	}
	r, err := h.Instruct(h.t.Context(), by, o)
	if err != nil {
		h.t.Fatalf("instruct by %s: %v", by.Actor, err)
	}
	return r.FeatureID
}

// told are the workers of an instruction, those who have not read it marked.
func (h *hub) told(by layers.Scope, id int64) (out []string) {
	h.t.Helper()
	i, err := h.Instruction(h.t.Context(), by, id)
	if err != nil {
		h.t.Fatalf("instruction %d for %s: %v", id, by.Actor, err)
	}
	for _, to := range i.To {
		mark := "!"
		if to.ReadAt != nil {
			mark = to.ReadAt.UTC().Format("15:04")
		}
		out = append(out, fmt.Sprintf("%d%s", to.Worker, mark))
	}
	slices.Sort(out)
	return out
}

func TestInstructionGoesToWhomItNames(t *testing.T) {
	h := newHub(t)
	// A worker of the other town, who is on duty too.
	if _, err := h.pool.Exec(t.Context(), `insert into unit (id, code, name, level, place_id) values (4, 'far', '外镇', 3, 7);
		insert into worker (id, actor, unit_id, label, on_duty) values (7, 'gus', 4, '外镇网格员', true)`); err != nil {
		t.Fatal(err)
	}
	id := h.file(ann, "F-1")
	for _, c := range []struct {
		name string
		by   layers.Scope
		o    Order
		want string
	}{
		{"one", dan, Order{Workers: []int32{1}}, "[1!]"},
		{"two, one twice", dan, Order{Workers: []int32{1, 2, 1}}, "[1! 2!]"},
		{"about an event", dan, Order{Workers: []int32{1}, Event: id}, "[1!]"},
		{"all on duty in the village, by where they are too", eve, Order{Place: 3}, "[1! 2!]"},
		{"all on duty in the town", eve, Order{Place: 2}, "[1! 2!]"},
		{"one off duty by name", eve, Order{Workers: []int32{6}}, "[6!]"},
		{"all on duty in the city", mayor, Order{Place: 1}, "[1! 2! 7!]"},
	} {
		if got := fmt.Sprint(h.told(c.by, h.instruct(c.by, c.o))); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestInstructionsAreRefused(t *testing.T) {
	h := newHub(t)
	if _, err := h.pool.Exec(t.Context(), `insert into unit (id, code, name, level, place_id) values (4, 'far', '外镇', 3, 7);
		insert into worker (id, actor, unit_id, label, on_duty) values (7, 'gus', 4, '外镇网格员', true)`); err != nil {
		t.Fatal(err)
	}
	id := h.file(ann, "F-1")
	long := make([]byte, 3*(MaxInstruction+1))
	for i := range long {
		long[i] = "字"[i%3]
	}
	for _, c := range []struct {
		name string
		by   layers.Scope
		o    Order
		want layers.Code
	}{
		{"without words", dan, Order{Text: " ", Workers: []int32{1}}, layers.CodeInvalid},
		{"too many words", dan, Order{Text: string(long), Workers: []int32{1}}, layers.CodeInvalid},
		{"by a field worker", ann, Order{Text: "x", Workers: []int32{2}}, layers.CodeForbidden},
		{"by a citizen", citizen, Order{Text: "x", Workers: []int32{1}}, layers.CodeForbidden},
		{"to a foreign worker", dan, Order{Text: "x", Workers: []int32{1, 7}}, layers.CodeInvalid},
		{"to nobody's number", dan, Order{Text: "x", Workers: []int32{99}}, layers.CodeInvalid},
		{"to a desk", eve, Order{Text: "x", Workers: []int32{4}}, layers.CodeInvalid},
		{"in a foreign place", dan, Order{Text: "x", Place: 6}, layers.CodeInvalid},
		{"about a foreign event", other, Order{Text: "x", Workers: []int32{7}, Event: id}, layers.CodeNotFound},
		{"where nobody is on duty", mayor, Order{Text: "x", Place: 4}, layers.CodeInvalid},
	} {
		if c.name == "where nobody is on duty" {
			if _, err := h.pool.Exec(t.Context(), `delete from presence; update worker set on_duty = false`); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := h.Instruct(t.Context(), c.by, c.o); layers.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	var n int
	if err := h.pool.QueryRow(t.Context(), `select count(*) from instruction`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d were written, %v", n, err)
	}
}

func TestInstructionIsAcknowledged(t *testing.T) {
	h := newHub(t)
	id := h.instruct(dan, Order{Workers: []int32{1, 2}})
	mine := func(by layers.Scope) (out []string) {
		list, err := h.Received(t.Context(), by)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			out = append(out, fmt.Sprintf("%d %v", r.ID, r.ReadAt != nil))
		}
		return out
	}
	if got := fmt.Sprint(mine(ann)); got != fmt.Sprintf("[%d false]", id) {
		t.Errorf("received: %s", got)
	}
	// By a phone whose clock is a year behind nobody reads before the word was given.
	late := h.instruct(dan, Order{Text: "再看一次", Workers: []int32{1}})
	if _, err := h.Acknowledge(t.Context(), ann, late, h.at.AddDate(-1, 0, 0), ""); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(h.told(dan, late)); got != "[101:00]" {
		t.Errorf("by a clock a year behind: %s", got)
	}
	if got := mine(ann); len(got) != 2 {
		t.Errorf("what was read just now by such a clock is gone: %v", got)
	}
	if _, err := h.pool.Exec(t.Context(), `delete from instruction_to where instruction_id = $1`, late); err != nil {
		t.Fatal(err)
	}
	// Read without a network ten minutes ago; what comes from the future counts as now.
	h.at = h.at.Add(time.Hour)
	read := h.at.Add(-10 * time.Minute)
	first, err := h.Acknowledge(t.Context(), ann, id, read, "k")
	if err != nil || first.Position == 0 {
		t.Fatalf("%+v, %v", first, err)
	}
	for name, key := range map[string]string{"a replay": "k", "once more": "k2"} {
		again, err := h.Acknowledge(t.Context(), ann, id, h.at, key)
		if err != nil || key == "k" && again.Position != first.Position || key != "k" && again.Position != 0 {
			t.Errorf("%s: %+v, %v", name, again, err)
		}
	}
	if _, err := h.Acknowledge(t.Context(), bob, id, h.at.Add(time.Hour), ""); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(h.told(dan, id)); got != "[101:50 202:00]" {
		t.Errorf("read at %s", got)
	}
	if got := fmt.Sprint(mine(ann)); got != fmt.Sprintf("[%d true]", id) {
		t.Errorf("within the shift: %s", got)
	}
	h.at = h.at.Add(readFor)
	if got := mine(ann); len(got) != 0 {
		t.Errorf("after the shift: %s", got)
	}
	// Others: one whom it was not given to, an officer, one from elsewhere.
	for _, by := range []layers.Scope{cho, dan, eve, other, citizen} {
		if _, err := h.Acknowledge(t.Context(), by, id, h.at, ""); layers.CodeOf(err) != layers.CodeNotFound {
			t.Errorf("acknowledged by %s: %v", by.Actor, err)
		}
		if got := mine(by); len(got) != 0 {
			t.Errorf("%s received %s", by.Actor, got)
		}
	}
	// These changes alone: given, and read by each; and those of the late one.
	var n int
	if err := h.pool.QueryRow(t.Context(), `select count(*) from change where kind = 'instruction'`).Scan(&n); err != nil || n != 5 {
		t.Errorf("%d changes, %v; want 5", n, err)
	}
}

func TestInstructionIsSeenByTheDesksOverItsPlace(t *testing.T) {
	h := newHub(t)
	id := h.instruct(dan, Order{Workers: []int32{1}})
	for _, by := range []layers.Scope{dan, eve, mayor} {
		if list, err := h.Instructions(t.Context(), by, 0, 10); err != nil || len(list) != 1 || list[0].Told != 1 || list[0].Label != "社区值班" {
			t.Errorf("%s: %+v, %v", by.Actor, list, err)
		}
	}
	if list, err := h.Instructions(t.Context(), other, 0, 10); err != nil || len(list) != 0 {
		t.Errorf("another town's desk: %+v, %v", list, err)
	}
	if _, err := h.Instruction(t.Context(), other, id); layers.CodeOf(err) != layers.CodeNotFound {
		t.Errorf("another town's desk by number: %v", err)
	}
	for _, by := range []layers.Scope{ann, citizen} {
		if _, err := h.Instruction(t.Context(), by, id); layers.CodeOf(err) != layers.CodeForbidden {
			t.Errorf("%s: %v", by.Actor, err)
		}
	}
	// PostgreSQL alone: whatever is asked in the name of another town's desk.
	var n int
	if err := h.reads(other).QueryRow(t.Context(), `select (select count(*) from instruction) + (select count(*) from instruction_to)`).Scan(&n); err != nil || n != 0 {
		t.Errorf("row-level security shows %d, %v", n, err)
	}
}

func TestRacingInstructionsAndAcknowledgements(t *testing.T) {
	h := newHub(t)
	ctx := context.WithoutCancel(t.Context())
	var wg sync.WaitGroup
	ids := make([]int64, 8)
	for i := range ids { // one phone's or desk's request sent again and again
		wg.Go(func() {
			r, err := h.Instruct(ctx, dan, Order{Text: "到岗", Workers: []int32{1, 2}, ClientKey: "once"})
			if err != nil {
				t.Error(err)
			}
			ids[i] = r.FeatureID
		})
	}
	wg.Wait()
	if slices.Max(ids) != slices.Min(ids) {
		t.Errorf("one key made %v", ids)
	}
	for i := range 8 {
		wg.Go(func() {
			if _, err := h.Acknowledge(ctx, ann, ids[0], h.at, fmt.Sprint("key", i%2)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var given, read int
	if err := h.pool.QueryRow(ctx, `select (select count(*) from instruction), (select count(*) from change where kind = 'instruction' and 'read_at' = any(fields))`).
		Scan(&given, &read); err != nil || given != 1 || read != 1 {
		t.Errorf("%d instructions, %d acknowledgements, %v; want one each", given, read, err)
	}
}
