// Package citizen is the counter for people without an account: what they may report, the number and the secret code by
// which they follow it, and how they rate what was done. What leaves it is what anybody may know.
package citizen

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/paulmach/orb"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/layers/personal"
	"onepicture/layers/scoped"
	"onepicture/sql"
)

var (
	openSQL     = sql.Text("citizen/open.sql")
	reporterSQL = sql.Text("citizen/reporter.sql")
	requestsSQL = sql.Text("citizen/requests.sql")
	tokenSQL    = sql.Text("citizen/token.sql")
	caseSQL     = sql.Text("citizen/case.sql")
	wrongSQL    = sql.Text("citizen/wrong.sql")
	stepsSQL    = sql.Text("citizen/steps.sql")
	rateSQL     = sql.Text("citizen/rate.sql")
	ratingSQL   = sql.Text("citizen/rating.sql")
)

// Counter serves citizens.
type Counter struct {
	pool   *pgxpool.Pool
	ledger *ledger.Ledger
	owner  *ledger.Ledger // of what citizens may report, which requests may not write
	keys   *personal.Keys
	now    func() time.Time
}

// counter sees all events: citizens may be told of reports wherever they are, and of nothing else of them.
var counter = layers.Internal("citizen")

// New is a counter that reads from the pool and writes through the ledger; what citizens may report it
// writes through the owner's. Without keys it keeps no contact.
func New(pool *pgxpool.Pool, l, owner *ledger.Ledger, keys *personal.Keys, now func() time.Time) *Counter {
	return &Counter{pool, l, owner, keys, now}
}

// Contact is how to reach who reported; it is kept sealed, and forgotten some time after the event is closed.
type Contact struct {
	Name   string `json:"name,omitempty"`
	Phone  string `json:"phone,omitempty"`
	Email  string `json:"email,omitempty"`
	Device string `json:"device,omitempty"`
}

// Case is what a citizen's report has beside the event.
type Case struct {
	Contact    Contact
	Attributes map[string][]string // answers by code of the attribute
	MediaURL   string              // kept as text, never fetched
}

// Slip is what the citizen keeps.
type Slip struct {
	Code  string // secret: with the number it opens the report
	Token string // opens nothing
}

// codeLetters cannot be taken for one another; 32 of them make 5 bits each.
const (
	codeLetters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	codeLength  = 10 // 50 bits: ten tries an hour find one in 13 million million years
)

// NewSlip makes a secret code and a token.
func NewSlip() Slip {
	b := make([]byte, codeLength)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	for i := range b {
		b[i] = codeLetters[b[i]%32]
	}
	return Slip{Code: string(b[:5]) + "-" + string(b[5:]), Token: rand.Text()}
}

// digest binds a code, as somebody may type it, to its number.
func digest(number int64, code string) [32]byte {
	code = strings.NewReplacer("-", "", " ", "").Replace(strings.ToUpper(code))
	return sha256.Sum256(fmt.Appendf(nil, "citizen case %d %s", number, code))
}

// Check refuses what is too long or no text.
func (c Case) Check() error {
	for _, x := range []struct {
		field, text string
		most        int
	}{
		{"first_name", c.Contact.Name, 200}, {"phone", c.Contact.Phone, 50}, {"email", c.Contact.Email, 200},
		{"device_id", c.Contact.Device, 200}, {"media_url", c.MediaURL, 1000},
	} {
		if err := layers.CheckText(x.field, x.text, x.most); err != nil {
			return err
		}
	}
	if c.MediaURL != "" {
		if u, err := url.Parse(c.MediaURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return layers.Invalid("media_url", "is not the address of a page or picture")
		}
	}
	return nil
}

// Open adds a citizen's case to an event, in the transaction that files it.
func (c *Counter) Open(tx *ledger.Tx, event int64, k Case, s Slip) error {
	answers, err := json.Marshal(k.Attributes)
	if err != nil || k.Attributes == nil {
		answers = []byte("{}")
	}
	sum := digest(event, s.Code)
	tx.Queue(openSQL, event, sum[:], s.Token, answers, k.MediaURL)
	if c.keys == nil || k.Contact == (Contact{}) {
		return nil
	}
	text, err := json.Marshal(k.Contact)
	if err != nil {
		return fmt.Errorf("write the contact: %w", err)
	}
	sealer := c.keys.Sealer()
	sealed, err := sealer.Seal(personal.Reporter, event, text)
	if err != nil {
		return err
	}
	tx.Queue(reporterSQL, event, sealed, sealer.Key())
	return nil
}

// Request is what anybody may know of a citizen's report: what and where, and how far it is. Neither words nor people.
type Request struct {
	Number     int64
	Token      string
	Item       uint16
	Department int16 // that answers for it now; 0: none
	ReportedAt time.Time
	Point      orb.Point
	Status     uint8
	DueAt      *time.Time
	ClosedAt   *time.Time
	UpdatedAt  time.Time
}

// Closed tells that nothing more will be done.
func (r *Request) Closed() bool {
	return r.Status == layers.StatusClose || r.Status == layers.StatusVoid
}

// Query chooses requests, the newest first.
type Query struct {
	Numbers  []int64  // nil: any
	Items    []uint16 // nil: any
	From, To time.Time
	Closed   *bool
	Limit    int
	Offset   int
}

// Requests lists citizens' reports.
func (c *Counter) Requests(ctx context.Context, q Query) ([]Request, error) {
	var items []int16
	for _, i := range q.Items {
		items = append(items, int16(i))
	}
	if q.Items != nil && items == nil {
		items = []int16{}
	}
	rows, err := scoped.On(c.pool, counter).Query(ctx, requestsSQL, q.Numbers, items, q.From, q.To, q.Closed, q.Limit, q.Offset)
	if err != nil {
		return nil, ledger.Problem("requests", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Request, err error) {
		var item *int16
		var status int16
		err = row.Scan(&r.Number, &r.Token, &item, &r.ReportedAt, &r.Point, &r.Department, &status, &r.DueAt, &r.ClosedAt, &r.UpdatedAt)
		r.Status = uint8(status)
		if item != nil {
			r.Item = uint16(*item)
		}
		return r, err
	})
	return list, ledger.Problem("requests", err)
}

// Number is the one of a token.
func (c *Counter) Number(ctx context.Context, token string) (int64, error) {
	var n int64
	err := scoped.On(c.pool, counter).QueryRow(ctx, tokenSQL, token).Scan(&n)
	return n, ledger.Problem("token", err)
}

// Limits of wrong codes for one number.
const (
	maxWrong  = 10
	wrongSpan = time.Hour
)

// errNoFit does not tell whether the number or the code is wrong.
var errNoFit = &layers.Error{Code: layers.CodeNotFound, Message: "there is no report of this number and code; look at both again"}

// Step is one of the steps that a citizen is told of.
type Step struct {
	Step string // report, accept, dispatch, handle, feedback, verify, close, void
	At   time.Time
}

// Rating is how a citizen found the handling.
type Rating struct {
	Stars int // 1 bad … 5 good
	Words string
	At    time.Time
}

// Following is what a citizen is told who has number and code.
type Following struct {
	Request
	Steps  []Step
	Rating *Rating
}

// kase is a case whose code has fitted.
type kase struct {
	Request
	main   int64 // the event that it went into
	place  layers.PlaceID
	own    int16 // department that answers for the report itself
	rating *Rating
}

// Follow tells how far a report is.
func (c *Counter) Follow(ctx context.Context, number int64, code string) (Following, error) {
	tx, err := scoped.Begin(ctx, c.pool, counter)
	if err != nil {
		return Following{}, ledger.Problem("report", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after Commit it does nothing
	k, err := c.enter(ctx, tx, number, code)
	var told *layers.Error
	if err != nil && !errors.As(err, &told) {
		return Following{}, ledger.Problem("report", err)
	}
	if told != nil { // a wrong code is counted
		return Following{}, errors.Join(told, ledger.Problem("report", tx.Commit(ctx)))
	}
	f := Following{Request: k.Request, Rating: k.rating}
	if f.Steps, err = publicSteps(ctx, tx, k.main); err != nil {
		return Following{}, ledger.Problem("report", err)
	}
	return f, ledger.Problem("report", tx.Commit(ctx))
}

// Rate keeps how a citizen found the handling of a closed report, once.
func (c *Counter) Rate(ctx context.Context, number int64, code string, stars int, words string) error {
	words = strings.TrimSpace(words)
	if stars < 1 || stars > 5 {
		return layers.Invalid("stars", "are 1 to 5")
	}
	if err := layers.CheckText("words", words, 500); err != nil {
		return err
	}
	if _, err := c.Follow(ctx, number, code); err != nil { // counts wrong codes, outside of the ledger's transaction
		return err
	}
	act := ledger.Act{Actor: counter.Actor, Reason: "rating", Scope: &counter}
	_, err := c.ledger.Write(ctx, act, func(tx *ledger.Tx) error {
		k, err := c.enter(ctx, tx, number, code)
		switch {
		case err != nil:
			return err
		case k.Status != layers.StatusClose:
			return &layers.Error{Code: layers.CodeConflict, Message: "it can be rated when it is closed"}
		case k.rating != nil:
			return &layers.Error{Code: layers.CodeConflict, Message: "it has been rated already"}
		}
		if _, err := tx.Exec(ctx, rateSQL, number, stars, words, c.now()); err != nil {
			return fmt.Errorf("keep the rating: %w", err)
		}
		// Where it is does not change, nor anything that the index knows: who looks at the event is told to look again.
		at := &layers.Location{Geom: k.Point, Place: k.place, Department: k.own}
		tx.Record(layers.Change{Kind: layers.KindEvent, Op: layers.OpPut, FeatureID: number, Old: at, New: at, Fields: []string{"rating"}})
		return nil
	})
	return ledger.Problem("report", err)
}

// enter finds a case by number and code. A wrong code is counted in the transaction; after ten within an hour none is
// looked at until the hour is over.
func (c *Counter) enter(ctx context.Context, tx pgx.Tx, number int64, code string) (kase, error) {
	var k kase
	var sum []byte
	var wrong, status int16
	var item, rating *int16
	var wrongAt, ratedAt *time.Time
	var words string
	var place int32
	err := tx.QueryRow(ctx, caseSQL, number).Scan(&sum, &wrong, &wrongAt, &rating, &words, &ratedAt,
		&item, &k.ReportedAt, &k.Point, &place, &k.own, &k.Department, &k.main, &status, &k.DueAt, &k.ClosedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return k, errNoFit
	}
	if err != nil {
		return k, fmt.Errorf("find the case: %w", err)
	}
	now := c.now()
	if wrongAt == nil || now.Sub(*wrongAt) > wrongSpan {
		wrong, wrongAt = 0, &now
	}
	if wrong >= maxWrong {
		return k, layers.TooMany(wrongSpan-now.Sub(*wrongAt), "the code was wrong too often; try again in an hour")
	}
	if got := digest(number, code); subtle.ConstantTimeCompare(sum, got[:]) != 1 {
		if _, err := tx.Exec(ctx, wrongSQL, number, wrong+1, *wrongAt); err != nil {
			return k, fmt.Errorf("count the wrong code: %w", err)
		}
		return k, errNoFit
	}
	k.Number, k.Status, k.place = number, uint8(status), layers.PlaceID(place)
	if item != nil {
		k.Item = uint16(*item)
	}
	if rating != nil && ratedAt != nil {
		k.rating = &Rating{int(*rating), words, *ratedAt}
	}
	return k, nil
}

// publicSteps are the moments at which the report came to another state, without who and why.
func publicSteps(ctx context.Context, tx pgx.Tx, event int64) ([]Step, error) {
	rows, err := tx.Query(ctx, stepsSQL, event)
	if err != nil {
		return nil, fmt.Errorf("read the steps: %w", err)
	}
	out := []Step{}
	var step string
	var at time.Time
	var to int16
	_, err = pgx.ForEachRow(rows, []any{&step, &at, &to}, func() error {
		if to < 1 || to == int16(layers.StatusMerged) || int(to) >= len(layers.Statuses) {
			return nil
		}
		s := Step{layers.Statuses[to], at}
		if n := len(out); n == 0 || out[n-1].Step != s.Step {
			out = append(out, s)
		}
		return nil
	})
	return out, err
}

// RatingOf is how a citizen found the handling of an event; nil when none has rated it.
func (c *Counter) RatingOf(ctx context.Context, scope layers.Scope, event int64) (*Rating, error) {
	var r Rating
	err := scoped.On(c.pool, scope).QueryRow(ctx, ratingSQL, event).Scan(&r.Stars, &r.Words, &r.At)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return &r, ledger.Problem("rating", err)
}
