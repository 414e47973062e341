package intake

import (
	"encoding/json"
	"strings"
	"time"

	"onepicture/layers"
	"onepicture/layers/personal"
)

// table is where the features of a kind go, with the columns of their tuples in order: id, source and what follows.
// The content, of which the hash is the digest, ends before the columns that depend on the world (place) or the clock.
type table struct {
	name    string
	columns []string
}

var tables = map[layers.Kind]table{
	layers.KindPerson: {"person", []string{
		"id", "source_id", "key", "name", "id_number", "phone", "home", "id_number_index", "phone_index", "class", "gender",
		"birth", "care", "geom", "orig_datum", "orig_x", "orig_y", "place_id", "hash", "seal",
	}},
	layers.KindSite: {"site", []string{
		"id", "source_id", "key", "name", "class", "status", "address", "attributes", "geom", "anchor",
		"orig_datum", "orig_x", "orig_y", "updated_at", "place_id", "hash",
	}},
	layers.KindEvent: {"event", []string{
		"id", "source_id", "key", "item_id", "class", "level", "status", "channel", "title", "description", "address",
		"attributes", "reported_at", "due_at", "closed_at", "reporter", "geom", "orig_datum", "orig_x", "orig_y", "place_id",
		"department_id", "hash", "seal",
	}},
}

// sealedFields are the fields of a person that are sealed, in the order of their columns.
var sealedFields = [...]struct {
	name   string
	column personal.Column
}{{"name", personal.Name}, {"idNumber", personal.IDNumber}, {"phone", personal.Phone}, {"address", personal.Home}}

func (p *plan) person(t *tuple, values []string, keys *personal.Keys) *fault {
	var texts [len(sealedFields)]string
	for i, field := range sealedFields {
		var f *fault
		if texts[i], f = p.optional(field.name, values); f != nil {
			return f
		}
		t.secret(field.column, texts[i])
	}
	for _, index := range [...]int64{keys.Index(personal.IDNumber, texts[1]), keys.Index(personal.Phone, texts[2])} {
		if index == 0 {
			t.null()
		} else {
			t.int8(index)
		}
	}
	class, f := p.code("class", values, 0, p.world.codes["class"])
	if f != nil {
		return f
	}
	gender, f := p.code("gender", values, 0, p.world.codes["gender"])
	if f != nil {
		return f
	}
	t.int2(class)
	t.int2(gender)
	if f := p.birth(t, values); f != nil {
		return f
	}
	care, f := p.care(values)
	if f != nil {
		return f
	}
	t.int4(int(int32(care)))
	return nil
}

func (p *plan) birth(t *tuple, values []string) *fault {
	r := p.fields["birth"]
	if r == nil {
		t.null()
		return nil
	}
	day, ok, f := r.day(p, values)
	if f != nil {
		return f
	}
	if !ok {
		t.null()
		return nil
	}
	t.date(day)
	return nil
}

// care is the bit set of a person's care needs, given as codes between separators.
func (p *plan) care(values []string) (uint32, *fault) {
	r := p.fields["care"]
	if r == nil {
		return 0, nil
	}
	s, f := r.text(p, values)
	if f != nil || s == "" {
		return 0, f
	}
	codes := []string{s}
	if r.Split != "" {
		codes = strings.Split(s, r.Split)
	}
	var bits uint32
	for _, code := range codes {
		code = trim(code)
		if r.table != nil && r.Split != "" {
			if to, ok := r.table[code]; ok {
				code = to
			}
		}
		if code == "" {
			continue
		}
		bit, ok := p.world.codes["care"][code]
		if !ok {
			return 0, bad(r.shown, faultCode, "care: no such code in the catalogue")
		}
		bits |= 1 << bit
	}
	return bits, nil
}

func (p *plan) site(t *tuple, values []string, n *notes) (updated time.Time, f *fault) {
	name, f := p.optional("name", values)
	if f != nil {
		return updated, f
	}
	class, f := p.code("class", values, 0, p.world.codes["class"])
	if f != nil {
		return updated, f
	}
	status, f := p.code("status", values, 1, p.world.codes["status"])
	if f != nil {
		return updated, f
	}
	address, f := p.optional("address", values)
	if f != nil {
		return updated, f
	}
	t.text(name)
	t.int2(class)
	t.int2(status)
	t.textOrNull(address)
	if f := p.attributes(t, values); f != nil {
		return updated, f
	}
	return p.time("updatedAt", values, n)
}

func (p *plan) time(name string, values []string, n *notes) (t time.Time, f *fault) {
	r := p.fields[name]
	if r == nil {
		return t, nil
	}
	t, ok, f := r.moment(p, values, n)
	if f == nil && !ok && (r.required || r.Required) {
		f = bad(r.shown, faultMissing, "%s is required and there is no value", name)
	}
	if !ok {
		t = time.Time{}
	}
	return t, f
}

func (p *plan) attributes(t *tuple, values []string) *fault {
	if len(p.attrs) == 0 {
		t.json([]byte("{}"))
		return nil
	}
	out := make(map[string]string, len(p.attrs))
	for _, r := range p.attrs {
		s, f := r.text(p, values)
		if f != nil {
			return f
		}
		if s != "" {
			out[r.name] = s
		}
	}
	b, err := json.Marshal(out) // keys in order: equal attributes, equal bytes
	if err != nil {
		return bad("", faultText, "the attributes cannot be encoded")
	}
	t.json(b)
	return nil
}

// event gives the department that owns the item; 0: none.
func (p *plan) event(t *tuple, values []string, n *notes) (department int, f *fault) {
	it, class, f := p.itemAndCategory(values)
	if f != nil {
		return 0, f
	}
	level, f := p.fields["level"].number(p, values, it.level, 1, 4)
	if f != nil {
		return 0, f
	}
	status, f := p.code("status", values, 0, p.world.codes["status"])
	if f != nil {
		return 0, f
	}
	channel, f := p.code("channel", values, 0, p.world.codes["channel"])
	if f != nil {
		return 0, f
	}
	if it.id == 0 {
		t.null()
	} else {
		t.int2(it.id)
	}
	t.int2(class)
	t.int2(level)
	t.int2(status)
	t.int2(channel)
	for _, name := range [...]string{"title", "description", "address"} {
		s, f := p.optional(name, values)
		if f != nil {
			return 0, f
		}
		if name == "address" {
			t.textOrNull(s)
		} else {
			t.text(s)
		}
	}
	if f := p.attributes(t, values); f != nil {
		return 0, f
	}
	return it.department, p.times(t, values, it, n)
}

// itemAndCategory finds what kind of event it is; an item brings its category and level.
func (p *plan) itemAndCategory(values []string) (it item, class int, f *fault) {
	it = item{level: 3}
	code, f := p.optional("item", values)
	if f != nil {
		return it, 0, f
	}
	if code != "" {
		var ok bool
		if it, ok = p.world.items[code]; !ok {
			return it, 0, bad(p.fields["item"].shown, faultCode, "item: no such code in the catalogue")
		}
	}
	unset := -1
	if it.id != 0 {
		unset = it.class
	}
	class, f = p.code("category", values, unset, p.world.codes["category"])
	if f == nil && class < 0 {
		f = bad("", faultMissing, "neither item nor category is given")
	}
	if f == nil && it.id != 0 && class != it.class {
		f = bad(p.fields["category"].shown, faultCode, "the category is not that of the item")
	}
	return it, class, f
}

func (p *plan) times(t *tuple, values []string, it item, n *notes) *fault {
	reported, f := p.time("reportedAt", values, n)
	if f != nil {
		return f
	}
	due, f := p.time("dueAt", values, n)
	if f != nil {
		return f
	}
	if due.IsZero() && it.id != 0 {
		due = reported.Add(it.deadline)
	}
	closed, f := p.time("closedAt", values, n)
	if f != nil {
		return f
	}
	if !closed.IsZero() && closed.Before(reported) {
		return bad(p.fields["closedAt"].shown, faultOrder, "closed before it was reported")
	}
	t.time(reported)
	t.timeOrNull(due)
	t.timeOrNull(closed)
	reporter, f := p.optional("reporter", values)
	if f != nil {
		return f
	}
	t.secret(personal.Reporter, reporter)
	return nil
}
