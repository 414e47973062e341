package bench

import (
	"context"
	"crypto/rand"
	"strconv"
	"time"

	"onepicture/layers/account"
)

// Session is the cookie of a new account which sees and reports as a city duty officer does.
func Session(ctx context.Context, a *account.Accounts) (cookie string, err error) {
	id, err := a.Create(ctx, "console", account.Named{Name: "bench-" + strconv.FormatInt(time.Now().UnixMilli(), 36), Display: "测量", DisplayEn: "Measurement"})
	if err != nil {
		return "", err
	}
	if _, err := a.Grant(ctx, "console", id, account.Grant{Role: account.CityDuty, Until: time.Now().Add(12 * time.Hour)}, "measurement"); err != nil {
		return "", err
	}
	link, err := a.Link(ctx, "console", id)
	if err != nil {
		return "", err
	}
	session, _, err := a.UseLink(ctx, link, rand.Text(), account.Client{}, "")
	return "onepicture=" + string(session), err
}
