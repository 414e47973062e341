package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"onepicture/layers/account"
)

// post sends a body as somebody.
func (h *house) post(cookie, target, body string) *httptest.ResponseRecorder {
	return h.do(posted(target, body, cookie))
}

// accountDeeds are all addresses that manage accounts, with a body that would do something to the account, grant, session
// or key of the number.
func accountDeeds(id, grant, session, key int64) [][3]string {
	one := fmt.Sprintf("%s/%d", accountsRoute, id)
	return [][3]string{
		{"GET", accountsRoute, ""}, {"GET", one, ""}, {"GET", "/api/roles", ""}, {"GET", keysRoute, ""},
		{"POST", accountsRoute, `{"signInName":"intruder","name":"x"}`}, {"POST", one + "/link", "{}"}, {"POST", one + "/disable", "{}"}, {"POST", one + "/enable", "{}"},
		{"POST", one + "/expect", `{"name":"x","subject":""}`}, {"POST", one + "/forget", "{}"},
		{"POST", one + "/grants", `{"role":"clerk","place":"` + villageA + `","until":null,"reason":"x"}`},
		{"POST", fmt.Sprintf("/api/grants/%d/revoke", grant), `{"reason":"x"}`},
		{"POST", fmt.Sprintf("%s/sessions/%d/end", one, session), "{}"}, {"POST", one + "/sessions/end", "{}"},
		{"POST", keysRoute, `{"title":"x","role":"wall","place":"` + townA + `","days":1}`},
		{"POST", fmt.Sprintf("%s/%d/rotate", keysRoute, key), `{"days":1}`}, {"POST", fmt.Sprintf("%s/%d/revoke", keysRoute, key), "{}"},
	}
}

func (h *house) send(cookie string, deed [3]string) *httptest.ResponseRecorder {
	if deed[0] == "GET" {
		return h.as(cookie, deed[1])
	}
	return h.post(cookie, deed[1], deed[2])
}

// Every role but the administrator's is refused at every address, and nothing changes.
func TestNobodyElseManagesAccounts(t *testing.T) {
	h := newHouse(t, nil)
	admin := h.enter(t, "admin", account.Administrator, "")
	id, _ := h.account(t, "victim", account.Clerk, villageA)
	before := h.as(admin, fmt.Sprintf("%s/%d", accountsRoute, id)).Body.String()
	for i := range account.Rules {
		role := account.Rules[i].Role
		if role == account.Administrator {
			continue
		}
		cookie := h.enter(t, "x-"+strings.ReplaceAll(string(role), "_", "-"), role, "")
		for _, deed := range accountDeeds(id, 2, 1, 1) {
			if p := refusal(t, h.send(cookie, deed)); p.Status != 403 {
				t.Errorf("%s by %s %s: %d", role, deed[0], deed[1], p.Status)
			}
		}
	}
	key := h.post(admin, keysRoute, `{"title":"hotline","role":"city_duty","place":"","days":7}`)
	secret := answer[KeySecret](t, key)
	for _, deed := range accountDeeds(id, 2, 1, 1) {
		r := call(deed[0], deed[1], strings.NewReader(deed[2]))
		r.Header.Set("Authorization", "Bearer "+secret.Key)
		r.Header.Set("Content-Type", "application/json")
		if p := refusal(t, h.do(r)); p.Status != 403 {
			t.Errorf("a key by %s %s: %d", deed[0], deed[1], p.Status)
		}
	}
	if after := h.as(admin, fmt.Sprintf("%s/%d", accountsRoute, id)).Body.String(); after != before {
		t.Errorf("something has changed:\n%s\n%s", before, after)
	}
}

func TestManageAccounts(t *testing.T) {
	h := newHouse(t, nil)
	admin := h.enter(t, "admin", account.Administrator, "")
	rec := h.post(admin, accountsRoute, `{"signInName":"huang","name":"黄三","nameEn":"Huang"}`)
	if rec.Code != http.StatusCreated {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	made := answer[AccountLink](t, rec)
	one := fmt.Sprintf("%s/%d", accountsRoute, made.ID)
	token, ok := strings.CutPrefix(made.Link, "/sign-in#link=")
	if !ok {
		t.Fatalf("link %q", made.Link)
	}
	in := h.post("", linkRoute, fmt.Sprintf(`{"token":%q,"password":%q}`, token, password))
	huang := cookieOf(t, in)
	if p := refusal(t, h.as(huang, "/api/events")); p.Status != 403 {
		t.Errorf("without a right: %d", p.Status)
	}
	until := time.Now().Add(48 * time.Hour).UTC().Truncate(time.Second)
	given := answer[Given](t, h.post(admin, one+"/grants", fmt.Sprintf(`{"role":"clerk","place":%q,"until":%q,"reason":"new in Jiangwan"}`, villageA, until.Format(time.RFC3339))))
	if rec := h.as(huang, "/api/events"); rec.Code != 200 {
		t.Errorf("as a clerk: %d", rec.Code)
	}
	d := answer[AccountDetail](t, h.as(admin, one))
	if d.SignInName != "huang" || d.NameEn != "Huang" || !d.Password || d.Beyond || len(d.Grants) != 1 || len(d.Sessions) != 1 || len(d.Words) == 0 {
		t.Fatalf("detail: %+v", d)
	}
	if g := d.Grants[0]; g.ID != given.Grant || g.Role.Code != "clerk" || g.Place.value.Code != villageA || !g.Until.Equal(until) || g.Reason != "new in Jiangwan" || !g.Takable || g.By[0] != 'a' {
		t.Errorf("grant: %+v", g)
	}
	if s := d.Sessions[0]; s.Method != "link" || s.Current {
		t.Errorf("session: %+v", s)
	}
	if l := answer[AccountList](t, h.as(admin, accountsRoute+"?q=黄")); len(l.Accounts) != 1 || l.Accounts[0].ID != made.ID || !l.Whole || l.Next != "" {
		t.Errorf("list: %+v", l)
	}
	if l := answer[AccountList](t, h.as(admin, accountsRoute+"?limit=1")); len(l.Accounts) != 1 || l.Next != "admin" {
		t.Errorf("a page: %+v", l)
	}
	for what, c := range map[string]struct {
		target, body string
		want         int
	}{
		"a name twice":       {accountsRoute, `{"signInName":"huang","name":"x"}`, 409},
		"no name":            {accountsRoute, `{"signInName":"Not A Name","name":"x"}`, 422},
		"no role":            {one + "/grants", `{"role":"king","place":"","until":null,"reason":"x"}`, 422},
		"no place":           {one + "/grants", `{"role":"clerk","place":"123","until":null,"reason":"x"}`, 422},
		"over already":       {one + "/grants", `{"role":"clerk","place":"","until":"2020-01-01T00:00:00Z","reason":"x"}`, 422},
		"no reason":          {one + "/grants", `{"role":"clerk","place":"","until":null,"reason":""}`, 422},
		"roles that exclude": {one + "/grants", `{"role":"auditor","place":"","until":null,"reason":"x"}`, 409},
		"to oneself":         {accountsRoute + "/1/grants", `{"role":"clerk","place":"","until":null,"reason":"x"}`, 403},
		"oneself disabled":   {accountsRoute + "/1/disable", "{}", 403},
		"nobody":             {accountsRoute + "/99/disable", "{}", 404},
		"no grant":           {"/api/grants/99/revoke", `{"reason":"x"}`, 404},
		"no session":         {one + "/sessions/99/end", "{}", 404},
		"no provider":        {one + "/expect", `{"name":"x","subject":""}`, 404},
	} {
		if p := refusal(t, h.post(admin, c.target, c.body)); p.Status != c.want {
			t.Errorf("%s: %d %s", what, p.Status, p.Detail)
		}
	}
	// The last administrator of everything stays, whoever asks.
	if p := refusal(t, h.post(admin, "/api/grants/1/revoke", `{"reason":"x"}`)); p.Status != 409 {
		t.Errorf("the last administrator's role: %d", p.Status)
	}
	steps := []struct {
		what, target, body string
		in                 bool // huang's session afterwards
	}{
		{"ending another session", fmt.Sprintf("%s/sessions/%d/end", one, d.Sessions[0].ID), "{}", false},
	}
	for _, s := range steps {
		if rec := h.post(admin, s.target, s.body); rec.Code != http.StatusNoContent {
			t.Errorf("%s: %d %s", s.what, rec.Code, rec.Body)
		}
		if rec := h.as(huang, meRoute); (rec.Code == 200) != s.in {
			t.Errorf("after %s: %d", s.what, rec.Code)
		}
	}
	again := func() string {
		return cookieOf(t, h.post("", signInRoute, fmt.Sprintf(`{"name":"huang","password":%q}`, password)))
	}
	huang = again()
	if rec := h.post(admin, fmt.Sprintf("/api/grants/%d/revoke", given.Grant), `{"reason":"moved on"}`); rec.Code != http.StatusNoContent {
		t.Errorf("revoke: %d %s", rec.Code, rec.Body)
	}
	if p := refusal(t, h.as(huang, "/api/events")); p.Status != 403 {
		t.Errorf("after the revocation: %d", p.Status)
	}
	for _, end := range []string{"/sessions/end", "/disable"} {
		if rec := h.post(admin, one+end, "{}"); rec.Code != http.StatusNoContent {
			t.Errorf("%s: %d", end, rec.Code)
		}
		if rec := h.as(huang, meRoute); rec.Code != 401 {
			t.Errorf("after %s: %d", end, rec.Code)
		}
		if end != "/disable" {
			huang = again()
		}
	}
	if rec := h.post("", signInRoute, fmt.Sprintf(`{"name":"huang","password":%q}`, password)); rec.Code != 401 {
		t.Errorf("disabled: %d", rec.Code)
	}
	if rec := h.post(admin, one+"/enable", "{}"); rec.Code != http.StatusNoContent {
		t.Errorf("enable: %d", rec.Code)
	}
	again()
	// Each deed is in the audit, with who and why.
	auditor := h.enter(t, "auditor", account.Auditor, "")
	deeds := answer[Deeds](t, h.as(auditor, "/api/audit?what=grant"))
	var said strings.Builder
	for _, d := range deeds.Deeds {
		if d.Actor != "a1" {
			t.Errorf("by %s: %+v", d.Actor, d)
		}
		said.WriteString(d.Filter + ": " + d.Reason + "\n")
	}
	for _, want := range []string{"create", "give clerk on " + villageA + " until " + until.Format(time.RFC3339) + ": new in Jiangwan", "end session ", "revoke clerk, grant ", ": moved on", "end all sessions", "disable", "enable"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("the audit lacks %q:\n%s", want, said.String())
		}
	}
	if strings.Contains(said.String(), token) {
		t.Error("the audit holds the link")
	}
}

// An administrator of a town is held to it.
func TestAdministratorOfATown(t *testing.T) {
	h := newHouse(t, nil)
	whole := h.enter(t, "whole", account.Administrator, "")
	town := h.enter(t, "town", account.Administrator, townA)
	inside, _ := h.account(t, "inside", account.Clerk, villageA)
	outside, _ := h.account(t, "outside", account.Clerk, townB)
	both, _ := h.account(t, "both", account.Clerk, villageA)
	far, err := h.accounts.Grant(t.Context(), "console", both, account.Grant{Role: account.Clerk, Place: h.Store.World().Tree.ByCode(townB).ID}, "helps out")
	if err != nil {
		t.Fatal(err)
	}
	fresh, _ := h.account(t, "fresh", "", "")
	near := answer[KeySecret](t, h.post(town, keysRoute, `{"title":"A","role":"wall","place":"`+townA+`","days":1}`))
	other := answer[KeySecret](t, h.post(whole, keysRoute, `{"title":"B","role":"wall","place":"`+townB+`","days":1}`))
	high := answer[KeySecret](t, h.post(whole, keysRoute, `{"title":"C","role":"data_steward","place":"`+townA+`","days":1}`))
	l := answer[AccountList](t, h.as(town, accountsRoute))
	var names []string
	for _, a := range l.Accounts {
		names = append(names, a.SignInName)
		if a.SignInName == "both" && (!a.Beyond || len(a.Grants) != 1) {
			t.Errorf("both: %+v", a)
		}
	}
	if got := strings.Join(names, " "); got != "both fresh inside town" || l.Whole {
		t.Errorf("the list shows %s", got)
	}
	if k := answer[KeyList](t, h.as(town, keysRoute)); len(k.Keys) != 2 {
		t.Errorf("keys: %+v", k)
	}
	if r := answer[RoleList](t, h.as(town, "/api/roles")); len(r.Roles) != 6 {
		t.Errorf("roles: %+v", r)
	}
	at := func(id int64, rest string) string { return fmt.Sprintf("%s/%d%s", accountsRoute, id, rest) }
	give := func(role, place string) string {
		return fmt.Sprintf(`{"role":%q,"place":%q,"until":null,"reason":"x"}`, role, place)
	}
	for _, c := range []struct {
		what, target, body string
		want               int
	}{
		{"a clerk in the own town", at(fresh, "/grants"), give("clerk", villageA), 201},
		{"the town's duty officer", at(inside, "/grants"), give("town_duty", townA), 201},
		{"a clerk beyond the town", at(inside, "/grants"), give("clerk", townB), 403},
		{"a clerk of the whole city", at(inside, "/grants"), give("clerk", cityCode), 403},
		{"a clerk of everything", at(inside, "/grants"), give("clerk", ""), 403},
		{"another administrator of the town", at(fresh, "/grants"), give("administrator", townA), 403},
		{"an auditor of the town", at(fresh, "/grants"), give("auditor", townA), 403},
		{"a steward of the town", at(fresh, "/grants"), give("data_steward", townA), 403},
		{"a city duty officer of the town", at(fresh, "/grants"), give("city_duty", townA), 403},
		{"somebody of another town", at(outside, "/grants"), give("clerk", villageA), 404},
		{"disabling somebody of another town", at(outside, "/disable"), "{}", 404},
		{"disabling one who also works elsewhere", at(both, "/disable"), "{}", 403},
		{"a link for one who also works elsewhere", at(both, "/link"), "{}", 403},
		{"their sessions", at(both, "/sessions/end"), "{}", 403},
		{"disabling the administrator of everything", at(1, "/disable"), "{}", 404},
		{"a link for the administrator of everything", at(1, "/link"), "{}", 404},
		{"revoking what is granted elsewhere", fmt.Sprintf("/api/grants/%d/revoke", far), `{"reason":"x"}`, 404},
		{"revoking the administrator of everything", "/api/grants/1/revoke", `{"reason":"x"}`, 404},
		{"revoking the own role", "/api/grants/2/revoke", `{"reason":"x"}`, 403},
		{"a key beyond the town", keysRoute, `{"title":"x","role":"wall","place":"` + townB + `","days":1}`, 403},
		{"a key of everything", keysRoute, `{"title":"x","role":"wall","place":"","days":1}`, 403},
		{"a steward's key", keysRoute, `{"title":"x","role":"data_steward","place":"` + townA + `","days":1}`, 403},
		{"a key of a role that has none", keysRoute, `{"title":"x","role":"clerk","place":"` + townA + `","days":1}`, 422},
		{"rotating a key of another town", fmt.Sprintf("%s/%d/rotate", keysRoute, other.ID), `{"days":1}`, 404},
		{"revoking a key of another town", fmt.Sprintf("%s/%d/revoke", keysRoute, other.ID), "{}", 404},
		{"revoking a higher key", fmt.Sprintf("%s/%d/revoke", keysRoute, high.ID), "{}", 403},
		{"a link for the own clerk", at(inside, "/link"), "{}", 201},
		{"disabling the own clerk", at(inside, "/disable"), "{}", 204},
	} {
		if rec := h.post(town, c.target, c.body); rec.Code != c.want {
			t.Errorf("%s: %d %s, want %d", c.what, rec.Code, rec.Body, c.want)
		}
	}
	// A key's text opens what it says, follows and ends.
	keyed := func(text string) int {
		r := call(http.MethodGet, "/api/events", nil)
		r.Header.Set("Authorization", "Bearer "+text)
		return h.do(r).Code
	}
	turned := answer[KeySecret](t, h.post(town, fmt.Sprintf("%s/%d/rotate", keysRoute, near.ID), `{"days":1}`))
	if keyed(near.Key) != 200 || keyed(turned.Key) != 200 {
		t.Error("both keys hold for a day")
	}
	if rec := h.post(town, fmt.Sprintf("%s/%d/revoke", keysRoute, near.ID), "{}"); rec.Code != 204 || keyed(near.Key) != 401 || keyed(turned.Key) != 200 {
		t.Errorf("revoking the old one: %d, %d, %d", rec.Code, keyed(near.Key), keyed(turned.Key))
	}
	listed := h.as(whole, keysRoute).Body.String()
	for _, secret := range []string{near.Key, turned.Key, strings.Split(turned.Key, "_")[2]} {
		if strings.Contains(listed, secret) {
			t.Error("the list tells a secret")
		}
	}
	var list KeyList
	if err := json.Unmarshal([]byte(listed), &list); err != nil || len(list.Keys) != 4 || !list.Keys[0].Holds || list.Keys[3].Holds {
		t.Errorf("the list: %v, %+v", err, list)
	}
}

// An officer's grant and key name the department, which account and key then show; the holder is told in words.
func TestGrantForADepartment(t *testing.T) {
	h := newHouse(t, nil)
	admin := h.enter(t, "admin", account.Administrator, "")
	id, _ := h.account(t, "ye", "", "")
	grants := fmt.Sprintf("%s/%d/grants", accountsRoute, id)
	for body, location := range map[string]string{
		`{"role":"department_officer","place":"","until":null,"reason":"x"}`:                        "body.department",
		`{"role":"department_officer","place":"","department":"magic","until":null,"reason":"x"}`:   "body.department",
		`{"role":"clerk","place":"` + villageA + `","department":"fire","until":null,"reason":"x"}`: "body.department",
	} {
		if p := refusal(t, h.post(admin, grants, body)); p.Status != 422 || len(p.Errors) != 1 || p.Errors[0].Location != location {
			t.Errorf("%s: %+v", body, p)
		}
	}
	if p := refusal(t, h.post(admin, keysRoute, `{"title":"x","role":"department_officer","place":"","days":9}`)); p.Status != 422 {
		t.Errorf("a key without a department: %+v", p)
	}
	answer[Given](t, h.post(admin, grants, `{"role":"department_officer","place":"`+townA+`","department":"fire","until":null,"reason":"x"}`))
	answer[KeySecret](t, h.post(admin, keysRoute, `{"title":"x","role":"department_officer","place":"`+townA+`","department":"fire","days":9}`))
	d := answer[AccountDetail](t, h.as(admin, fmt.Sprintf("%s/%d", accountsRoute, id)))
	if len(d.Grants) != 1 || d.Grants[0].Department.value == nil || d.Grants[0].Department.value.Name != "消防" || !strings.Contains(d.Words[0].Zh, "由消防负责的单条记录") {
		t.Errorf("%+v", d)
	}
	if k := answer[KeyList](t, h.as(admin, keysRoute)).Keys; len(k) != 1 || k[0].Department.value == nil || k[0].Department.value.NameEn != "Fire brigade" {
		t.Errorf("%+v", k)
	}
	roles := answer[RoleList](t, h.as(admin, "/api/roles"))
	if len(roles.Departments) != 1 || roles.Departments[0].Code != "fire" {
		t.Errorf("%+v", roles.Departments)
	}
	for _, r := range roles.Roles {
		if r.Department != (r.Code == "department_officer") {
			t.Errorf("%s is held for a department: %v", r.Code, r.Department)
		}
	}
}
