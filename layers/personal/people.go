package personal

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/paulmach/orb"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/layers/scoped"
	"onepicture/sql"
)

var (
	peopleSQL     = sql.Text("personal/people.sql")
	byIDNumberSQL = sql.Text("personal/by_id_number.sql")
	byPhoneSQL    = sql.Text("personal/by_phone.sql")
	purposesSQL   = sql.Text("personal/purposes.sql")
	grantSQL      = sql.Text("personal/grant.sql")
	grantedSQL    = sql.Text("personal/granted.sql")
)

// Shown is how long a record may be seen in full after its purpose was stated.
const Shown = 10 * time.Minute

// leastReason is how many characters say at least why somebody looks beyond his places.
const leastReason = 4

// maxReason is how long a reason may be, in characters.
const maxReason = 500

// mostFound bounds a search: numbers are of one person, phones of a household.
const mostFound = 20

// Person is a resident record as it may be shown. Masked tells that the texts show only their form, that Point is left out
// and that of Birth only the age may be told.
type Person struct {
	ID                          int64
	Masked                      bool
	Name, IDNumber, Phone, Home string
	Class                       uint16
	Gender                      uint8
	Care                        uint32
	Birth                       *time.Time
	Point                       *orb.Point
	Place                       layers.PlaceID
	Source, SourceEn            string
}

// mask shows the forms of the texts, and not the house.
func (p *Person) mask() {
	p.Masked = true
	p.Name, p.IDNumber, p.Phone, p.Home = MaskName(p.Name), MaskIDNumber(p.IDNumber), MaskPhone(p.Phone), MaskAddress(p.Home)
	p.Point = nil
}

// Purpose is a purpose for which a personal value may be shown.
type Purpose struct{ Code, Name, NameEn string }

// Grant lets one account see one record in full for a while.
type Grant struct {
	Purpose, Reason string
	Beyond          bool // break-glass: the record lies beyond the account's places
	Until           time.Time
}

// People reads records of persons for requests, under their scope. Whoever shows what it gives records that first.
type People struct {
	pool *pgxpool.Pool
	keys *Keys
}

// NewPeople reads over the pool of requests and opens by the keys.
func NewPeople(pool *pgxpool.Pool, keys *Keys) *People { return &People{pool, keys} }

// Find gives the records that the scope sees of those ids, masked, by id.
func (p *People) Find(ctx context.Context, scope layers.Scope, ids []int64) (map[int64]Person, error) {
	out, err := p.read(ctx, scope, ids)
	for id, one := range out {
		one.mask()
		out[id] = one
	}
	return out, err
}

// Full gives one record in full to the holder of a grant that runs, and the grant; another's is not found. Without a grant
// the record is masked and the grant nil.
func (p *People) Full(ctx context.Context, scope layers.Scope, id int64) (Person, *Grant, error) {
	g, err := p.granted(ctx, scope, id)
	if err != nil {
		return Person{}, nil, err
	}
	if g != nil && g.Beyond && scope.Rights.Has(layers.RightBreakGlass) {
		scope = beyond(scope)
	}
	found, err := p.read(ctx, scope, []int64{id})
	if err != nil {
		return Person{}, nil, err
	}
	one, ok := found[id]
	if !ok {
		return Person{}, nil, layers.NotFound("person")
	}
	if g == nil || !g.Beyond && !scope.Rights.Has(layers.RightUnmask) {
		one.mask()
		return one, nil, nil
	}
	return one, g, nil
}

// May tells whether the scope may see that record in full for the purpose: in its places by its right to unmask, beyond
// them by break-glass, for which a reason in words is asked. The error names the field that is wrong. Nothing is granted.
func (p *People) May(ctx context.Context, scope layers.Scope, id int64, g Grant) error {
	reach := scope
	switch {
	case g.Beyond && !scope.Rights.Has(layers.RightBreakGlass):
		return layers.Forbidden("this account may not look beyond its places")
	case !g.Beyond && !scope.Rights.Has(layers.RightUnmask):
		return layers.Forbidden("this account may not see personal values")
	case g.Beyond:
		reach = beyond(scope)
	}
	if err := p.Stated(ctx, g); err != nil {
		return err
	}
	found, err := p.read(ctx, reach, []int64{id})
	if err == nil && len(found) == 0 {
		err = layers.NotFound("person")
	}
	return err
}

// Stated checks that a purpose is one of the list and that the reason says why.
func (p *People) Stated(ctx context.Context, g Grant) error {
	known, err := p.Purposes(ctx)
	if err != nil {
		return err
	}
	ok := false
	for _, k := range known {
		ok = ok || k.Code == g.Purpose
	}
	n := utf8.RuneCountInString(g.Reason)
	switch {
	case !ok:
		return layers.Invalid("purpose", "is not one of the purposes")
	case n == 0 || g.Beyond && n < leastReason:
		return layers.Invalid("reason", "is missing: say why")
	case n > maxReason:
		return layers.Invalid("reason", "is longer than %d characters", maxReason)
	}
	return nil
}

// Give grants what May allowed, for Shown from now on. The deed must be recorded already.
func (p *People) Give(ctx context.Context, scope layers.Scope, id int64, g Grant) (Grant, error) {
	var at time.Time
	err := scoped.On(p.pool, scope).QueryRow(ctx, grantSQL, scope.Actor, id, g.Purpose, g.Reason, g.Beyond, Shown).Scan(&at, &g.Until)
	return g, ledger.Problem("unmasking", err)
}

// Search finds the records with that identity number or phone, masked; of beyond also those outside the scope's places.
func (p *People) Search(ctx context.Context, scope layers.Scope, c Column, value string, outside bool) ([]Person, error) {
	text := map[Column]string{IDNumber: byIDNumberSQL, Phone: byPhoneSQL}[c]
	index := p.keys.Index(c, value)
	if text == "" || index == 0 {
		return nil, layers.Invalid("value", "is not a number")
	}
	if outside {
		scope = beyond(scope)
	}
	rows, err := scoped.On(p.pool, scope).Query(ctx, text, index, mostFound)
	if err != nil {
		return nil, ledger.Problem("people", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, ledger.Problem("people", err)
	}
	found, err := p.read(ctx, scope, ids)
	var out []Person
	for _, id := range ids {
		one, ok := found[id]
		if !ok || Normal(c, one.value(c)) != Normal(c, value) { // two numbers may share an index
			continue
		}
		one.mask()
		out = append(out, one)
	}
	return out, err
}

func (p *Person) value(c Column) string {
	if c == Phone {
		return p.Phone
	}
	return p.IDNumber
}

// Purposes are those that may be stated.
func (p *People) Purposes(ctx context.Context) ([]Purpose, error) {
	rows, err := p.pool.Query(ctx, purposesSQL)
	if err != nil {
		return nil, ledger.Problem("purposes", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Purpose])
	return list, ledger.Problem("purposes", err)
}

// beyond is the scope that sees every record of persons, for a break-glass alone.
func beyond(s layers.Scope) layers.Scope {
	s.Person.Records = layers.Everywhere()
	return s
}

func (p *People) granted(ctx context.Context, scope layers.Scope, id int64) (*Grant, error) {
	var g Grant
	err := scoped.On(p.pool, scope).QueryRow(ctx, grantedSQL, scope.Actor, id).Scan(&g.Purpose, &g.Reason, &g.Beyond, &g.Until)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return &g, ledger.Problem("unmasking", err)
}

// read gives records in full, by id: for this file alone.
func (p *People) read(ctx context.Context, scope layers.Scope, ids []int64) (map[int64]Person, error) {
	rows, err := scoped.On(p.pool, scope).Query(ctx, peopleSQL, ids)
	if err != nil {
		return nil, ledger.Problem("person", err)
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (one Person, err error) {
		var name, number, phone, home, address []byte
		var addressID int64
		var class, gender int16
		var care int32
		var at orb.Point
		if err := r.Scan(&one.ID, &name, &number, &phone, &home, &addressID, &address, &class, &gender, &one.Birth, &care, &at,
			&one.Place, &one.Source, &one.SourceEn); err != nil {
			return one, err
		}
		one.Class, one.Gender, one.Care, one.Point = uint16(class), uint8(gender), uint32(care), &at
		for _, f := range []struct {
			column Column
			id     int64
			sealed []byte
			to     *string
		}{
			{Name, one.ID, name, &one.Name}, {IDNumber, one.ID, number, &one.IDNumber}, {Phone, one.ID, phone, &one.Phone},
			{Home, one.ID, home, &one.Home}, {Address, addressID, address, &one.Home},
		} {
			if len(f.sealed) == 0 || *f.to != "" {
				continue
			}
			if *f.to, err = p.keys.Open(f.column, f.id, f.sealed); err != nil {
				return one, fmt.Errorf("open a person's values: %w", err)
			}
		}
		return one, nil
	})
	if errors.Is(err, ErrSealed) {
		return nil, err
	}
	if err != nil {
		return nil, ledger.Problem("person", err)
	}
	out := make(map[int64]Person, len(list))
	for _, one := range list {
		if scope.Records(layers.KindPerson, one.Place, 0) {
			out[one.ID] = one
		}
	}
	return out, nil
}
