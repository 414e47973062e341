package alert

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"

	"onepicture/geo"
	"onepicture/layers"
)

const head = `<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>A-1</identifier><sender>met@example.org</sender>` +
	`<sent>2026-05-04T08:00:00+08:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>`

const words = `<category>Met</category><event>暴雨</event><urgency>Immediate</urgency><severity>Severe</severity><certainty>Likely</certainty>`

// with is an alert with one info that holds more.
func with(more string) string { return head + `<info>` + words + more + `</info></alert>` }

func area(more string) string { return with(`<area><areaDesc>here</areaDesc>` + more + `</area>`) }

func parse(t *testing.T, text string) (Document, error) {
	t.Helper()
	return Parse(strings.NewReader(text))
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAlertIsReadWhole(t *testing.T) {
	doc, err := Parse(bytes.NewReader(file(t, "rainstorm.cap")))
	if err != nil {
		t.Fatal(err)
	}
	if doc.Format != "alert" || len(doc.Alerts) != 1 || len(doc.Refused) != 0 || len(doc.Links) != 0 {
		t.Fatalf("%+v", doc)
	}
	m := doc.Alerts[0]
	at := func(hour, minute int) *time.Time {
		x := time.Date(2026, 5, 4, hour, minute, 0, 0, time.UTC)
		return &x
	}
	if d := cmp.Diff(Reference{"met@wangjiang.example", "WJ-2026-0007", *at(0, 30)}, m.Reference); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Reference{{"met@wangjiang.example", "WJ-2026-0006", time.Date(2026, 5, 3, 22, 0, 0, 0, time.UTC)}}, m.References); d != "" {
		t.Error(d)
	}
	if m.Status != "Actual" || m.Type != "Update" || m.Scope != "Public" || !m.Signed || m.Severity() != "Extreme" ||
		!m.Begins().Equal(*at(0, 30)) || !m.Ends().Equal(*at(6, 0)) || len(m.Notes) != 2 {
		t.Errorf("%s %s, signed %v, holds from %v to %v, notes %q", m.Type, m.Severity(), m.Signed, m.Begins(), m.Ends(), m.Notes)
	}
	if len(m.Infos) != 2 {
		t.Fatalf("%d infos", len(m.Infos))
	}
	zh := m.Infos[0]
	if zh.Language != "zh-CN" || zh.Event != "暴雨" || zh.Headline != "望江镇发布暴雨红色预警" || !zh.Expires.Equal(*at(6, 0)) ||
		!cmp.Equal(zh.Responses, []string{"Shelter", "Avoid"}) || !cmp.Equal(zh.Categories, []string{"Met", "Safety"}) ||
		zh.Instruction == "" || zh.Contact != "12345" || !cmp.Equal(zh.Codes, []Value{{"event", "11B03"}}) ||
		!cmp.Equal(zh.Resources, []Resource{{"雷达图", "image/png", ""}}) {
		t.Errorf("%+v", zh)
	}
	if en := m.Infos[1]; en.Language != "en" || en.Severity != "Severe" || len(en.Areas) != 1 || len(en.Areas[0].Points) != 1 {
		t.Errorf("%+v", en)
	}
	a := zh.Areas[0]
	if len(zh.Areas) != 1 || a.Description != "望江镇沿江各村" || len(a.Polygons) != 2 || !cmp.Equal(a.Geocodes, []Value{{"行政区划代码", "990101001"}}) {
		t.Errorf("%+v", zh.Areas)
	}
	for _, p := range []geo.WGS84{{Lon: 113.05, Lat: 23.05}, {Lon: 113.15, Lat: 23.02}} {
		if !geo.Contains(a.Polygons, p.Lon, p.Lat) {
			t.Errorf("%v is in no polygon or circle", p)
		}
	}
	if geo.Contains(a.Polygons, 113.15, 23.09) {
		t.Error("7 km from the circle's centre is still in it")
	}
}

func TestFeedsGiveAlertsAndLinks(t *testing.T) {
	for _, c := range []struct {
		file, format string
		alerts       []string
		refused      []string
		links        []string
	}{
		{"feed.atom", "atom", []string{"WJ-2026-0008", "WJ-2026-0010"}, []string{"info[0].severity: is none of Extreme, Severe, Moderate, Minor, Unknown"},
			[]string{"https://alerts.example/linked.cap"}},
		{"feed.rss", "rss", nil, nil, []string{"https://alerts.example/1.cap", "https://alerts.example/2.cap"}},
		{"distribution.edxl", "edxl", []string{"WJ-2026-0011"}, nil, nil},
	} {
		doc, err := Parse(bytes.NewReader(file(t, c.file)))
		if err != nil {
			t.Errorf("%s: %v", c.file, err)
			continue
		}
		var alerts, refused []string
		for i := range doc.Alerts {
			alerts = append(alerts, doc.Alerts[i].Identifier)
		}
		for _, r := range doc.Refused {
			refused = append(refused, r.Reason)
		}
		if doc.Format != c.format {
			t.Errorf("%s is %s", c.file, doc.Format)
		}
		for _, d := range []string{cmp.Diff(c.alerts, alerts), cmp.Diff(c.refused, refused), cmp.Diff(c.links, doc.Links)} {
			if d != "" {
				t.Errorf("%s (-want +got):\n%s", c.file, d)
			}
		}
	}
}

// What is not taken, and that the reason never quotes the document.
func TestRefusals(t *testing.T) {
	ring := strings.Repeat("23.1,113.1 ", maxVertices+1)
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "ends before"},
		{"no XML", "secret words", "ends before"},
		{"half an alert", head, "ends before"},
		{"not well-formed", head + "<note>secret</info></alert>", "line 1 is not well-formed"},
		{"a document type", `<!DOCTYPE alert [<!ENTITY x "secret">]>` + with(""), "DOCTYPE"},
		{"a document type named outside", `<?xml version="1.0"?><!DOCTYPE alert SYSTEM "http://127.0.0.1:1/secret.dtd">` + with(""), "DOCTYPE"},
		{"parameter entities", `<!DOCTYPE a [<!ENTITY % r SYSTEM "file:///etc/passwd"> %r;]>` + with(""), "DOCTYPE"},
		{"a billion laughs", `<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>` + with("<headline>&b;</headline>"), "DOCTYPE"},
		{"a document type later", head + `<!DOCTYPE alert>` + `</alert>`, "DOCTYPE"},
		{"an entity without one", with("<headline>&secret;</headline>"), "entity"},
		{"another root", `<html><alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"/></html>`, "neither a CAP alert"},
		{"CAP 1.0", `<alert xmlns="http://www.incident.com/cap/1.0"/>`, "namespace"},
		{"no namespace", `<alert><identifier>x</identifier></alert>`, "namespace"},
		{"an encoding that nobody reads", `<?xml version="1.0" encoding="UTF-7"?>` + with(""), "cannot be read as XML"},
		{"two roots", with("") + with(""), "follows"},
		{"words after the root", with("") + "secret", "follows"},
		{"deep", head + strings.Repeat("<a>", maxDepth) + strings.Repeat("</a>", maxDepth) + "</alert>", "deeper than 32"},
		{"many elements", head + strings.Repeat("<a/>", maxElements) + "</alert>", "more than 100000 elements"},
		{"large", head + "<note>" + strings.Repeat("a", MaxBytes) + "</note></alert>", "larger than 4 MiB"},
		{"a long headline", with("<headline>" + strings.Repeat("a", maxWords+1) + "</headline>"), "info[0].headline: is longer"},
		{"no identifier", strings.Replace(with(""), "<identifier>A-1</identifier>", "", 1), "identifier: is missing"},
		{"a comma in the identifier", strings.Replace(with(""), "A-1", "A,1", 1), "identifier: holds"},
		{"a blank in the sender", strings.Replace(with(""), "met@", "met @", 1), "sender: holds"},
		{"no time", strings.Replace(with(""), "<sent>2026-05-04T08:00:00+08:00</sent>", "", 1), "sent: is missing"},
		{"a time without zone", strings.Replace(with(""), "+08:00", "", 1), "sent: is not a time with its zone"},
		{"no scope", strings.Replace(with(""), "<scope>Public</scope>", "", 1), "scope: is missing"},
		{"another status", strings.Replace(with(""), "Actual", "secret", 1), "status: is none of"},
		{"no category", strings.Replace(with(""), "<category>Met</category>", "", 1), "info[0].category: is missing"},
		{"no certainty", strings.Replace(with(""), "<certainty>Likely</certainty>", "", 1), "info[0].certainty: is missing"},
		{"empty severity", strings.Replace(with(""), ">Severe<", "><", 1), "info[0].severity: is empty"},
		{"a cancel of nothing", strings.Replace(with(""), ">Alert<", ">Cancel<", 1), "references: are missing"},
		{"references of two parts", strings.Replace(with(""), "<info>", "<references>a,b</references><info>", 1), "references: are not of the form"},
		{"many infos", head + strings.Repeat("<info>"+words+"</info>", maxInfos+1) + "</alert>", "info: stands there more than 50"},
		{"three positions that are two", area("<polygon>1,2 1,2</polygon>"), "info[0].area[0].polygon: has less than four"},
		{"longitude first", area("<polygon>113,22 114,22 114,23 113,22</polygon>"), "polygon: holds what is no pair"},
		{"not a number", area("<polygon>NaN,22 1,22 1,23 NaN,22</polygon>"), "polygon: holds what is no pair"},
		{"around the pole", area("<polygon>80,0 80,120 80,-120 80,0</polygon>"), "goes around a pole"},
		{"many vertices", area("<polygon>" + ring + "</polygon>"), "more than 50000 vertices"},
		{"a circle in metres", area("<circle>23,113 25000</circle>"), "radius of more than 1000 km"},
		{"a circle of less than nothing", area("<circle>23,113 -1</circle>"), "circle: is not a latitude"},
		{"a circle without end", area("<circle>23,113 Inf</circle>"), "radius of more than 1000 km"},
		{"many shapes", area(strings.Repeat("<circle>23,113 0</circle>", maxShapes+1)), "more than 2000 polygons and circles"},
		{"many areas", with(strings.Repeat("<area><areaDesc>a</areaDesc></area>", maxAreas+1)), "more than 500 areas"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc, err := parse(t, c.text)
			var told *layers.Error
			if !errors.As(err, &told) || len(doc.Alerts) > 0 || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%d alerts, %v; want %q", len(doc.Alerts), err, c.want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the reason quotes the document: %v", err)
			}
		})
	}
}

// What is odd but clear is taken, and told.
func TestOdditiesAreTakenAndTold(t *testing.T) {
	for _, c := range []struct{ name, text, note string }{
		{"plain", with(""), ""},
		{"CAP 1.1", strings.Replace(with(""), "cap:1.2", "cap:1.1", 1), ""},
		{"prefixed", `<c:alert xmlns:c="urn:oasis:names:tc:emergency:cap:1.2" ` + strings.NewReplacer("</", "</c:", "<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\">", ">", "<", "<c:").Replace(with("")), ""},
		{"words in another case", strings.Replace(with(""), "Immediate", "IMMEDIATE", 1), ""},
		{"the words of CAP 1.0", strings.Replace(with(""), ">Likely<", ">Very Likely<", 1), ""},
		{"time in UTC", strings.Replace(with(""), "08:00:00+08:00", "00:00:00Z", 1), ""},
		{"empty elements", area("<polygon/><circle/>"), ""},
		{"not closed", area("<polygon>22,113 22,114 23,114 23,113</polygon>"), "was closed"},
		{"elements of others", with(`<x xmlns="urn:x"><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="http://127.0.0.1:1/"/></x>`), "were left out"},
		{"an update of nothing", strings.Replace(with(""), ">Alert<", ">Update<", 1), "names no message"},
		{"no info", head + "</alert>", "nothing to show"},
		{"a file within", with("<resource><resourceDesc>a</resourceDesc><mimeType>b</mimeType><derefUri>AAAA</derefUri></resource>"), "was not kept"},
	} {
		doc, err := parse(t, c.text)
		if err != nil || len(doc.Alerts) != 1 {
			t.Errorf("%s: %d alerts, %v", c.name, len(doc.Alerts), err)
			continue
		}
		notes := strings.Join(doc.Alerts[0].Notes, "; ")
		if c.note == "" && notes != "" || !strings.Contains(notes, c.note) {
			t.Errorf("%s: noted %q, want %q", c.name, notes, c.note)
		}
		if !doc.Alerts[0].Sent.Equal(time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%s: sent %v", c.name, doc.Alerts[0].Sent)
		}
	}
}

func TestChineseEncodings(t *testing.T) {
	for _, label := range []string{"GB18030", "gbk", "GB2312"} {
		b, err := simplifiedchinese.GB18030.NewEncoder().String(`<?xml version="1.0" encoding="` + label + `"?>` + with(""))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := parse(t, b)
		if err != nil || doc.Alerts[0].Infos[0].Event != "暴雨" {
			t.Errorf("%s: %+v, %v", label, doc.Alerts, err)
		}
	}
}

func TestEndsWithoutExpiry(t *testing.T) {
	doc, err := parse(t, with(""))
	if err != nil {
		t.Fatal(err)
	}
	m := doc.Alerts[0]
	if !m.Ends().Equal(m.Sent.Add(Lasting)) || !m.Begins().Equal(m.Sent) {
		t.Errorf("holds from %v to %v", m.Begins(), m.Ends())
	}
	bare, err := parse(t, head+"</alert>")
	if err != nil || !bare.Alerts[0].Ends().IsZero() {
		t.Errorf("an alert without parts ends at %v, %v", bare.Alerts[0].Ends(), err)
	}
}

func TestPlaceCodes(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"行政区划代码", "441900", "441900000000"},
		{"ADCODE", "441900122", "441900122000"},
		{"", "441900122001", "441900122001"},
		{"grid", "441900122001007", "441900122001007"},
		{"SAME", "441900", ""},
		{"FIPS6", "441900", ""},
		{"UGC", "441900122", ""},
		{"SAME", "441900122001", "441900122001"}, // no code of that list is so long
		{"ADCODE", "44190A", ""},
		{"ADCODE", "4419", ""},
		{"ADCODE", "", ""},
		{"ADCODE", "４４１９００", ""},
	} {
		if got, ok := PlaceCode(Value{c.name, c.value}); got != c.want || ok != (c.want != "") {
			t.Errorf("%s %s: %q, %v", c.name, c.value, got, ok)
		}
	}
}

func TestSameMessageHasSameDigest(t *testing.T) {
	digests := map[[32]byte]string{}
	for name, text := range map[string]string{
		"plain": with(""), "another word": with("<headline>x</headline>"), "an area": area(""),
		"another area": area("<circle>23,113 1</circle>"), "another code": area("<geocode><valueName>a</valueName><value>b</value></geocode>"),
	} {
		doc, err := parse(t, text)
		spaced, err2 := parse(t, strings.ReplaceAll(text, "><", ">\n  <"))
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if doc.Alerts[0].Digest != spaced.Alerts[0].Digest {
			t.Errorf("%s: blanks between elements make another message", name)
		}
		if other, ok := digests[doc.Alerts[0].Digest]; ok {
			t.Errorf("%s and %s have one digest", name, other)
		}
		digests[doc.Alerts[0].Digest] = name
	}
}

// Whatever comes: no panic, the limits hold, and what was taken is sound.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"rainstorm.cap", "feed.atom", "feed.rss", "distribution.edxl"} {
		f.Add(file(f, name))
	}
	f.Add([]byte(area("<polygon>-10,179 -10,-179 10,-179 10,179 -10,179</polygon><circle>0,180 900</circle>")))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + with("&x;")))
	f.Fuzz(func(t *testing.T, b []byte) {
		doc, err := Parse(bytes.NewReader(b))
		if err != nil {
			var told *layers.Error
			if !errors.As(err, &told) || len(doc.Alerts) > 0 {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		again, err := Parse(bytes.NewReader(b))
		if err != nil || fmt.Sprint(doc) != fmt.Sprint(again) {
			t.Fatalf("read twice it is another: %v", err)
		}
		for i := range doc.Alerts {
			m := &doc.Alerts[i]
			if m.Identifier == "" || m.Sender == "" || m.Sent.IsZero() || m.vertices > maxVertices {
				t.Fatalf("an alert that is none was taken: %+v", m)
			}
			for _, in := range m.Infos {
				for _, a := range in.Areas {
					b := a.Polygons.Bound()
					if len(a.Polygons) > 0 && !(b.Min[0] >= -180 && b.Max[0] <= 180 && b.Min[1] >= -90 && b.Max[1] <= 90) {
						t.Fatalf("an area beyond the earth: %v", b)
					}
					for _, p := range a.Polygons {
						if len(p) != 1 || len(p[0]) < 4 || p[0][0] != p[0][len(p[0])-1] {
							t.Fatalf("a ring that is none: %v", p)
						}
					}
				}
			}
		}
	})
}
