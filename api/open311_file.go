package api

import (
	"context"
	"strconv"
	"strings"

	"onepicture/layers"
	"onepicture/layers/citizen"
	"onepicture/layers/dispatch"
	"onepicture/layers/ledger"
)

// file takes a citizen's report. The key is the client's, not the citizen's.
func (x *counter311) file() (any, error) {
	ctx := x.c.Request.Context()
	scope, err := x.keyed(ctx, x.c.Request.PostForm.Get("api_key")) // an address is written into logs
	if err != nil {
		return nil, err
	}
	code := x.args.Get("service_code")
	if code == "" {
		return nil, layers.Invalid("service_code", "was not provided")
	}
	it, service, err := x.offered(code)
	if err != nil {
		return nil, err
	}
	r, err := x.report(it)
	if err != nil {
		return nil, err
	}
	k := citizen.Case{Attributes: x.attributes(), MediaURL: x.args.Get("media_url")}
	k.Contact = citizen.Contact{
		Name:  strings.TrimSpace(x.args.Get("first_name") + " " + x.args.Get("last_name")),
		Phone: x.args.Get("phone"), Email: x.args.Get("email"), Device: x.args.Get("device_id"),
	}
	if err := k.Check(); err != nil {
		return nil, err
	}
	if err := service.Answers(k.Attributes); err != nil {
		return nil, err
	}
	slip := citizen.NewSlip()
	r.Also = func(tx *ledger.Tx, event int64) error { return x.Citizens.Open(tx, event, k, slip) }
	receipt, err := x.Desk.Report(ctx, scope, r)
	if err != nil {
		return nil, err
	}
	id := strconv.FormatInt(receipt.FeatureID, 10)
	notice := x.name("受理编号 "+id+"，查询码 "+slip.Code+"。凭此两项在“办理进度”页面查看，请勿告诉他人。",
		"Number "+id+", code "+slip.Code+". With both you follow it at /follow; keep them to yourself.")
	return under("service_requests", []filed311{{
		ID: id, Notice: words(notice), Account: words(x.args.Get("account_id")), Token: slip.Token, Code: slip.Code,
	}}), nil
}

// keyed is what the bearer of a key may do. Where there are no keys yet it may what everybody may.
func (x *counter311) keyed(ctx context.Context, key string) (layers.Scope, error) {
	if key == "" {
		return layers.Scope{}, layers.Forbidden("the api_key is missing -- can't proceed with create_request")
	}
	scope := scopeOf(ctx)
	if x.Key != nil {
		var err error
		if scope, err = x.Key(ctx, key); err != nil {
			if layers.CodeOf(err) == layers.CodeUnavailable {
				return scope, err
			}
			return layers.Scope{}, layers.Forbidden("the api_key is invalid -- can't proceed with create_request")
		}
	}
	if !scope.Rights.Has(layers.RightReport) {
		return layers.Scope{}, layers.Forbidden("the api_key does not allow to report -- can't proceed with create_request")
	}
	return scope, nil
}

// report is the event of it. Open311 has WGS 84 only.
func (x *counter311) report(it *layers.Item) (dispatch.Report, error) {
	r := dispatch.Report{
		Title: it.Name, Item: it.Code, Channel: "resident", Datum: "WGS84",
		Description: x.args.Get("description"), Address: x.args.Get("address_string"),
	}
	lat, lon := x.args.Get("lat"), x.args.Get("long")
	if lat == "" && lon == "" {
		return r, layers.Invalid("lat", "and long are needed: this server does not look addresses up")
	}
	var err1, err2 error
	r.Lat, err1 = strconv.ParseFloat(lat, 64)
	r.Lon, err2 = strconv.ParseFloat(lon, 64)
	if err1 != nil || err2 != nil || !inRange(r.Lat, 85) || !inRange(r.Lon, 180) {
		return r, layers.Invalid("lat", "and long are not degrees on the map")
	}
	return r, nil
}

// attributes are the fields attribute[CODE], and attribute[CODE][] for several values.
func (x *counter311) attributes() map[string][]string {
	out := map[string][]string{}
	for field, values := range x.args {
		code, ok := strings.CutPrefix(field, "attribute[")
		code, closed := strings.CutSuffix(strings.TrimSuffix(code, "[]"), "]")
		if ok && closed && len(code) <= 60 {
			out[code] = append(out[code], values...)
		}
	}
	return out
}
