package api

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"onepicture/layers"
	"onepicture/layers/citizen"
)

// keyedTown is a town with one key of another system; nobody else may do anything.
func keyedTown(t *testing.T) *town {
	t.Helper()
	return newTown(t, func(o *Options) {
		o.Scope = func(r *http.Request) layers.Scope {
			if r.Header.Get("X-Steward") != "" {
				return layers.Internal("steward")
			}
			return layers.Scope{}
		}
		o.Key = func(_ context.Context, key string) (layers.Scope, error) {
			switch key {
			case "xyz":
				return layers.Loopback(), nil
			case "blind":
				return layers.Scope{Actor: "k2"}, nil
			}
			return layers.Scope{}, &layers.Error{Code: layers.CodeUnauthenticated, Message: "no such key"}
		}
	})
}

// client311 is a client of GeoReport v2 that knows the specification and nothing of this server.
type client311 struct {
	t      *testing.T
	w      *town
	format string
	lang   string
}

func (c client311) ask(method, path string, args url.Values) *httptest.ResponseRecorder {
	c.t.Helper()
	var r *http.Request
	target := "/open311/v2/" + path + "." + c.format
	if method == http.MethodPost {
		r = call(method, target, strings.NewReader(args.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else {
		r = call(method, target+"?"+args.Encode(), nil)
	}
	r.Header.Set("Accept-Language", c.lang)
	rec := c.w.do(r)
	want := map[string]string{"xml": "text/xml; charset=utf-8", "json": "application/json; charset=utf-8"}[c.format]
	if got := rec.Header().Get("Content-Type"); got != want {
		c.t.Errorf("%s is %q", target, got)
	}
	if c.format == "xml" && !strings.HasPrefix(rec.Body.String(), `<?xml version="1.0" encoding="UTF-8"?>`) {
		c.t.Errorf("%s has no XML declaration: %.60s", target, rec.Body)
	}
	return rec
}

// list reads the elements below the root, or the array: each as its fields.
func (c client311) list(rec *httptest.ResponseRecorder, root string) []map[string]string {
	c.t.Helper()
	var out []map[string]string
	if c.format == "json" {
		var sent []map[string]any
		if err := json.Unmarshal(rec.Body.Bytes(), &sent); err != nil {
			c.t.Fatalf("%v in %s", err, rec.Body)
		}
		for _, item := range sent {
			fields := map[string]string{}
			for k, v := range item {
				if v != nil {
					fields[k] = fmt.Sprint(v)
				} else {
					fields[k] = ""
				}
			}
			out = append(out, fields)
		}
		return out
	}
	type node struct {
		XMLName xml.Name
		Text    string `xml:",chardata"`
		Nodes   []node `xml:",any"`
	}
	var sent node
	if err := xml.Unmarshal(rec.Body.Bytes(), &sent); err != nil || sent.XMLName.Local != root {
		c.t.Fatalf("%v in %s", err, rec.Body)
	}
	for _, item := range sent.Nodes {
		fields := map[string]string{}
		for _, f := range item.Nodes {
			fields[f.XMLName.Local] = strings.TrimSpace(f.Text)
		}
		out = append(out, fields)
	}
	return out
}

// The request of the specification's example, for a place of this town.
func example311() url.Values {
	return url.Values{
		"api_key": {"xyz"}, "service_code": {"F-1"}, "lat": {"23.0501"}, "long": {"113.0502"},
		"address_string": {"1234 5th street"}, "email": {"smit333@sfgov.example"}, "device_id": {"tt222111"}, "account_id": {"123456"},
		"first_name": {"john"}, "last_name": {"smith"}, "phone": {"111111111"},
		"description": {"A large sinkhole is destroying the street"},
		"media_url":   {"http://pictures.example/2002/2212426634_5ed477a060.jpg"},
	}
}

// A client goes through what the specification describes: services, a definition, a report, its request, all requests.
func TestOpen311AsAClientUsesIt(t *testing.T) {
	w := keyedTown(t)
	for _, format := range []string{"xml", "json"} {
		t.Run(format, func(t *testing.T) {
			c := client311{t, w, format, "en"}
			services := c.list(c.ask("GET", "services", nil), "services")
			if len(services) != 1 || services[0]["service_code"] != "F-1" || services[0]["service_name"] != "Fire" ||
				services[0]["type"] != "realtime" || services[0]["metadata"] != "false" || services[0]["group"] != "Fire" {
				t.Fatalf("%v", services)
			}
			args := example311()
			filed := c.list(c.ask("POST", "requests", args), "service_requests")
			if len(filed) != 1 || filed[0]["service_request_id"] == "" || filed[0]["account_id"] != "123456" || len(filed[0]["follow_code"]) != 11 ||
				!strings.Contains(filed[0]["service_notice"], filed[0]["follow_code"]) {
				t.Fatalf("%v", filed)
			}
			id := filed[0]["service_request_id"]
			tokens := c.list(c.ask("GET", "tokens/"+filed[0]["token"], nil), "service_requests")
			if len(tokens) != 1 || tokens[0]["service_request_id"] != id {
				t.Errorf("%v", tokens)
			}
			rec := c.ask("GET", "requests/"+id, url.Values{"extensions": {"true"}})
			one := c.list(rec, "service_requests")
			want := map[string]string{
				"service_request_id": id, "status": "open", "status_notes": "Received, waiting to be accepted", "service_name": "Fire",
				"service_code": "F-1", "description": "", "agency_responsible": "Fire brigade", "service_notice": "", "address": "",
				"address_id": "", "zipcode": "", "lat": "23.0501", "long": "113.0502", "media_url": "",
			}
			for k, v := range want {
				if got, ok := one[0][k]; !ok || got != v {
					t.Errorf("%s is %q, want %q", k, got, v)
				}
			}
			for _, k := range []string{"requested_datetime", "updated_datetime", "expected_datetime"} {
				if at, err := time.Parse(time.RFC3339, one[0][k]); err != nil || time.Until(at).Abs() > 10*24*time.Hour {
					t.Errorf("%s is %q", k, one[0][k])
				}
			}
			if !strings.Contains(rec.Body.String(), gridA) {
				t.Errorf("no extended attributes: %s", rec.Body)
			}
			for _, never := range []string{"john", "smith", "111111111", "smit333", "tt222111", "sinkhole", "5th street", "pictures.example", filed[0]["follow_code"]} {
				if strings.Contains(rec.Body.String(), never) || strings.Contains(c.ask("GET", "requests", nil).Body.String(), never) {
					t.Errorf("%q is told to everybody", never)
				}
			}
		})
	}
}

func TestOpen311Lists(t *testing.T) {
	w := keyedTown(t)
	c := client311{t, w, "json", "zh-CN"}
	var ids []string
	for range 3 {
		ids = append(ids, c.list(c.ask("POST", "requests", example311()), "")[0]["service_request_id"])
	}
	if _, err := w.pool.Exec(t.Context(), `update event set status = 7, closed_at = now(), reported_at = now() - interval '100 days' where id = $1`, ids[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := w.pool.Exec(t.Context(), `update event set status = 8, closed_at = now() where id = $1`, ids[1]); err != nil {
		t.Fatal(err)
	}
	at := func(days int) string { return time.Now().AddDate(0, 0, days).Format(time.RFC3339) }
	for _, q := range []struct {
		args string
		want string // positions in ids, newest first
	}{
		{"", "21"},
		{"status=open", "2"},
		{"status=closed", "1"},
		{"status=open,closed", "21"},
		{"service_code=F-1", "21"},
		{"service_request_id=" + ids[0] + "," + ids[2] + "&status=open", "20"},
		{"service_request_id=1", ""}, // an event that no citizen reported
		{"start_date=" + url.QueryEscape(at(-120)), "0"},
		{"start_date=" + at(-120), "0"},
		{"start_date=" + url.QueryEscape(at(-120)) + "&end_date=" + url.QueryEscape(at(1)), "21"}, // 90 days at most
		{"end_date=" + url.QueryEscape(at(-50)), "0"},
		{"page_size=1", "2"}, {"page_size=1&page=2", "1"}, {"page_size=1&page=3", ""},
		{"jurisdiction_id=" + cityCode, "21"},
	} {
		rec := w.get("/open311/v2/requests.json?" + q.args)
		got := ""
		for _, r := range c.list(rec, "") {
			for i, id := range ids {
				if r["service_request_id"] == id {
					got += fmt.Sprint(i)
				}
			}
		}
		if got != q.want {
			t.Errorf("%s: %q, want %q", q.args, got, q.want)
		}
	}
	closed := c.list(w.get("/open311/v2/requests/"+ids[1]+".json"), "")[0]
	if closed["status"] != "closed" || closed["status_notes"] != "不予办理" {
		t.Errorf("%v", closed)
	}
}

func TestOpen311Definitions(t *testing.T) {
	w := keyedTown(t)
	put := func(body string, steward bool) *httptest.ResponseRecorder {
		r := call(http.MethodPut, "/api/items/F-1/service", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if steward {
			r.Header.Set("X-Steward", "yes")
		}
		return w.do(r)
	}
	asked := `{"offered":true,"attributes":[{"code":"floor","type":"number","required":true,"label":"几楼","labelEn":"Floor"},
		{"code":"smoke","type":"singlevaluelist","required":false,"label":"烟","values":[{"key":"w","name":"白"},{"key":"b","name":"黑"}]},
		{"code":"what","type":"multivaluelist","required":false,"label":"物","values":[{"key":"1","name":"一"},{"key":"2","name":"二"}]}]}`
	if rec := put(asked, false); rec.Code == http.StatusOK {
		t.Error("everybody may change services")
	}
	answer[CitizenService](t, put(asked, true))
	for _, wrong := range []string{
		strings.Replace(asked, `"number"`, `"colour"`, 1), strings.Replace(asked, `"几楼"`, `""`, 1), strings.Replace(asked, `"smoke"`, `"floor"`, 1),
		strings.Replace(asked, `[{"key":"w","name":"白"},{"key":"b","name":"黑"}]`, `[]`, 1),
	} {
		if p := refusal(t, put(wrong, true)); p.Status != 422 {
			t.Errorf("%d: %s", p.Status, wrong)
		}
	}
	var d definition311
	if err := xml.Unmarshal(w.get("/open311/v2/services/F-1.xml").Body.Bytes(), &d); err != nil || len(d.Attributes) != 3 {
		t.Fatalf("%+v, %v", d, err)
	}
	if a := d.Attributes[0]; !a.Variable || a.Code != "floor" || a.Datatype != "number" || !a.Required || a.Order != 1 || a.Description != "几楼" {
		t.Errorf("%+v", a)
	}
	if v := d.Attributes[1].Values; len(v) != 2 || v[1] != (value311{"b", "黑"}) {
		t.Errorf("%+v", v)
	}
	c := client311{t, w, "json", ""}
	if services := c.list(c.ask("GET", "services", nil), ""); services[0]["metadata"] != "true" {
		t.Errorf("%v", services)
	}
	for _, x := range []struct {
		change string
		status int
	}{
		{"attribute[floor]=3&attribute[smoke]=b&attribute[what][]=1&attribute[what][]=2", 200},
		{"attribute[floor]=3", 200}, {"", 400}, {"attribute[floor]=three", 400}, {"attribute[floor]=3&attribute[floor]=4", 400},
		{"attribute[floor]=3&attribute[smoke]=green", 400}, {"attribute[floor]=3&attribute[age]=5", 400},
		{"attribute[floor]=3&attribute[what][]=9", 400},
	} {
		args := example311()
		more, err := url.ParseQuery(x.change)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range more {
			args[k] = v
		}
		if rec := c.ask("POST", "requests", args); rec.Code != x.status {
			t.Errorf("%s: %d %s", x.change, rec.Code, rec.Body)
		}
	}
	var n int
	if err := w.pool.QueryRow(t.Context(), `select count(*) from citizen_case where attributes ? 'floor'`).Scan(&n); err != nil || n != 2 {
		t.Errorf("%d answers were kept, %v", n, err)
	}
	answer[CitizenService](t, put(`{"offered":false,"attributes":[]}`, true))
	if rec := c.ask("POST", "requests", example311()); rec.Code != 404 {
		t.Errorf("a service that is not offered: %d", rec.Code)
	}
}

// Errors are in the specification's form, and nothing is written.
func TestOpen311Errors(t *testing.T) {
	w := keyedTown(t)
	for _, format := range []string{"xml", "json"} {
		c := client311{t, w, format, "en"}
		for _, x := range []struct {
			name, method, path string
			change             func(url.Values)
			status             int
		}{
			{"no key", "POST", "requests", func(v url.Values) { v.Del("api_key") }, 403},
			{"a wrong key", "POST", "requests", func(v url.Values) { v.Set("api_key", "abc") }, 403},
			{"a key without the right", "POST", "requests", func(v url.Values) { v.Set("api_key", "blind") }, 403},
			{"no service", "POST", "requests", func(v url.Values) { v.Del("service_code") }, 400},
			{"another service", "POST", "requests", func(v url.Values) { v.Set("service_code", "X-9") }, 404},
			{"another jurisdiction", "POST", "requests", func(v url.Values) { v.Set("jurisdiction_id", "city.gov") }, 404},
			{"an address only", "POST", "requests", func(v url.Values) { v.Del("lat"); v.Del("long") }, 400},
			{"half a place", "POST", "requests", func(v url.Values) { v.Del("lat") }, 400},
			{"no number", "POST", "requests", func(v url.Values) { v.Set("lat", "NaN") }, 400},
			{"beyond the earth", "POST", "requests", func(v url.Values) { v.Set("long", "1130") }, 400},
			{"a long description", "POST", "requests", func(v url.Values) { v.Set("description", strings.Repeat("x", 4001)) }, 400},
			{"a picture that is no address", "POST", "requests", func(v url.Values) { v.Set("media_url", "javascript:alert(1)") }, 400},
			{"a long phone", "POST", "requests", func(v url.Values) { v.Set("phone", strings.Repeat("1", 51)) }, 400},
			{"too large", "POST", "requests", func(v url.Values) { v.Set("description", strings.Repeat("x", maxBody)) }, 413},
			{"another service's definition", "GET", "services/X-9", nil, 404},
			{"no such request", "GET", "requests/999", nil, 404},
			{"an event that no citizen reported", "GET", "requests/1", nil, 404},
			{"no number", "GET", "requests/one", nil, 404},
			{"no such token", "GET", "tokens/nobody", nil, 404},
			{"a date that is none", "GET", "requests", func(v url.Values) { v.Set("start_date", "yesterday") }, 400},
			{"another status", "GET", "requests", func(v url.Values) { v.Set("status", "lost") }, 400},
			{"page 0", "GET", "requests", func(v url.Values) { v.Set("page", "0") }, 400},
			{"a page of everything", "GET", "requests", func(v url.Values) { v.Set("page_size", "100000") }, 400},
			{"no such resource", "GET", "people", nil, 404},
			{"a change", "POST", "requests/1", nil, 404},
		} {
			args := url.Values{}
			if x.method == "POST" {
				args = example311()
			}
			if x.change != nil {
				x.change(args)
			}
			rec := c.ask(x.method, x.path, args)
			list := c.list(rec, "errors")
			if rec.Code != x.status || len(list) != 1 || list[0]["code"] != fmt.Sprint(x.status) || list[0]["description"] == "" {
				t.Errorf("%s: %d %s", x.name, rec.Code, rec.Body)
			}
		}
	}
	if rec := w.get("/open311/v2/services.yaml"); rec.Code != 404 || !strings.Contains(rec.Body.String(), "<errors>") {
		t.Errorf("another format: %d %s", rec.Code, rec.Body)
	}
	var n int
	if err := w.pool.QueryRow(t.Context(), `select count(*) from citizen_case`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d reports were kept, %v", n, err)
	}
}

func (w *town) post(target, body string) *httptest.ResponseRecorder {
	r := call(http.MethodPost, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return w.do(r)
}

// A citizen follows the report with number and code, and rates it when it is closed.
func TestCitizensFollowAndRate(t *testing.T) {
	w := keyedTown(t)
	c := client311{t, w, "json", ""}
	filed := c.list(c.ask("POST", "requests", example311()), "")[0]
	id, code := filed["service_request_id"], filed["follow_code"]
	slip := func(code string) string { return fmt.Sprintf(`{"number":%s,"code":%q}`, id, code) }
	rate := func(code string, stars int) string {
		return fmt.Sprintf(`{"number":%s,"code":%q,"stars":%d,"words":" 处理及时 "}`, id, code, stars)
	}
	for _, typed := range []string{code, strings.ToLower(code), strings.ReplaceAll(code, "-", " ")} {
		f := answer[Following](t, w.post("/api/follow", slip(typed)))
		if f.Status != "report" || f.Ratable || f.Rating.value != nil || len(f.Steps) != 1 || f.Steps[0].Step != "report" || *f.Item != "F-1" {
			t.Errorf("%+v", f)
		}
	}
	if p := refusal(t, w.post("/api/follow/rating", rate(code, 5))); p.Code != "conflict" {
		t.Errorf("an open report was rated: %+v", p)
	}
	if _, err := w.pool.Exec(t.Context(), `update event set status = 7, closed_at = now() where id = $1`, id); err != nil {
		t.Fatal(err)
	}
	if f := answer[Following](t, w.post("/api/follow", slip(code))); f.Status != "close" || !f.Ratable || f.ClosedAt == nil {
		t.Errorf("%+v", f)
	}
	for _, stars := range []int{0, 6} {
		if p := refusal(t, w.post("/api/follow/rating", rate(code, stars))); p.Code != "invalid" {
			t.Errorf("%d stars: %+v", stars, p)
		}
	}
	answer[Life](t, w.post("/api/follow/rating", rate(code, 4)))
	if p := refusal(t, w.post("/api/follow/rating", rate(code, 1))); p.Code != "conflict" {
		t.Errorf("it was rated twice: %+v", p)
	}
	if f := answer[Following](t, w.post("/api/follow", slip(code))); f.Ratable || f.Rating.value == nil || f.Rating.value.Stars != 4 || f.Rating.value.Words != "处理及时" {
		t.Errorf("%+v", f)
	}
	r := call(http.MethodGet, "/api/events/"+id+"/rating", nil)
	r.Header.Set("X-Steward", "yes")
	if got := answer[ratingOutput](t, w.do(r)); got.Rating.value == nil || got.Rating.value.Stars != 4 {
		t.Errorf("%+v", got)
	}
	if rec := w.get("/api/events/" + id + "/rating"); rec.Code == http.StatusOK {
		t.Error("everybody is told the rating")
	}
}

// Neither a wrong code nor a wrong number tells which of them is wrong; ten tries, and the number rests for an hour.
func TestCodesAreNotFoundByTrying(t *testing.T) {
	now := time.Now()
	w := newTown(t, func(o *Options) {
		o.Key = func(context.Context, string) (layers.Scope, error) { return layers.Loopback(), nil }
	})
	w.Citizens = citizen.New(w.pool, w.ledger, w.ledger, nil, func() time.Time { return now })
	c := client311{t, w, "json", ""}
	filed := c.list(c.ask("POST", "requests", example311()), "")[0]
	try := func(number, code string) *httptest.ResponseRecorder {
		return w.post("/api/follow", fmt.Sprintf(`{"number":%s,"code":%q}`, number, code))
	}
	id := filed["service_request_id"]
	wrongNumber, wrongCode := refusal(t, try("999", "AAAAA-AAAAA")), refusal(t, try(id, "AAAAA-AAAAA"))
	if wrongNumber.Status != 404 || wrongNumber.Detail != wrongCode.Detail {
		t.Errorf("%+v and %+v", wrongNumber, wrongCode)
	}
	if p := refusal(t, try("1", "AAAAA-AAAAA")); p.Status != 404 {
		t.Errorf("an event that no citizen reported: %+v", p)
	}
	for range 9 {
		if p := refusal(t, try(id, "BBBBB-BBBBB")); p.Status != 404 {
			t.Fatalf("%+v", p)
		}
	}
	rec := try(id, filed["follow_code"])
	if p := refusal(t, rec); p.Status != 429 || rec.Header().Get("Retry-After") == "" {
		t.Errorf("after ten wrong codes: %+v", p)
	}
	now = now.Add(61 * time.Minute)
	answer[Following](t, try(id, filed["follow_code"]))
	if rec := w.get("/api/follow?number=" + id + "&code=" + filed["follow_code"]); rec.Code == http.StatusOK {
		t.Error("the code is taken from the address")
	}
}
