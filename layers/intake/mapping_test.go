package intake

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onepicture/layers"
)

// TestMappingRefused states what a mapping's author hears.
func TestMappingRefused(t *testing.T) {
	const head = "kind = \"person\"\ndatum = \"WGS84\"\nkey = [\"id\"]\n"
	const source = "[source]\ncode = \"s\"\nname = \"s\"\n"
	const location = "[location]\nx = \"x\"\ny = \"y\"\n"
	for name, c := range map[string]struct{ text, want string }{
		"not TOML":              {"kind = ", "line 1, column 7"},
		"unknown key":           {head + "colour = 1\n" + source + location, `line 4: unknown key "colour"`},
		"unknown key of field":  {head + source + location + "[fields]\nname = {colum = \"n\"}", `line 11: unknown key "colum"`},
		"unknown kind":          {"kind = \"dog\"\n" + source, "unknown kind"},
		"no source":             {head + location, "[source]: code and name are required"},
		"unknown datum":         {strings.Replace(head, "WGS84", "WGS-72", 1) + source + location, `"WGS-72" is unknown; use datum = "WGS84"`},
		"zone":                  {"zone = \"CST\"\n" + head + source + location, "not an IANA time zone"},
		"the machine's zone":    {"zone = \"Local\"\n" + head + source + location, "not an IANA time zone"},
		"no key":                {strings.Replace(head, "key = [\"id\"]\n", "", 1) + source + location, "contentKey = true"},
		"two keys":              {"contentKey = true\n" + head + source + location, "contentKey = true"},
		"no location":           {head + source, "[location]: say where the location is"},
		"half a location":       {head + source + "[location]\nx = \"x\"", "x and y go together"},
		"two locations":         {head + source + location + "geometry = true", "not several"},
		"none for people":       {head + source + "[location]\nnone = true", "for places alone"},
		"unknown field":         {head + source + location + "[fields]\nnames = {column = \"n\"}", "fields.names: a person has no such field; it has address, birth, care, class, gender, idNumber, name, phone"},
		"religion":              {head + source + location + "[fields]\nreligion = {column = \"r\"}", "never held"},
		"ethnicity column":      {head + source + location + "[fields]\nclass = {column = \"民族\"}", "never held"},
		"ethnicity as key":      {strings.Replace(head, "id", "民 族", 1) + source + location, "never held"},
		"politics in a rule":    {head + source + location + "[[refuse]]\ncolumn = \"政治面貌\"\nequals = \"x\"\nas = \"y\"", "never held"},
		"criminal attribute":    {strings.Replace(head, "person", "site", 1) + source + location + "[fields]\nname = {column = \"n\"}\n[attributes]\nnote = {column = \"Criminal_Record\"}", "never held"},
		"risk of a person":      {head + source + location + "[fields]\nrisk = {column = \"r\"}", "never scored"},
		"score column":          {head + source + location + "[fields]\nclass = {column = \"风险等级\"}", "never scored"},
		"score in a rule":       {head + source + location + "[[refuse]]\ncolumn = \"risk_score\"\nequals = \"9\"\nas = \"y\"", "never scored"},
		"score as key":          {strings.Replace(head, "id", "Credit Score", 1) + source + location, "never scored"},
		"attributes of people":  {head + source + location + "[attributes]\na = {column = \"a\"}", "only sites and events"},
		"two origins":           {head + source + location + "[fields]\nname = {column = \"n\", const = \"c\"}", "exactly one of"},
		"format without a year": {head + source + location + "[fields]\nbirth = {column = \"b\", formats = [\"MM-dd\"]}", "the year (yyyy) is missing"},
		"Go's format":           {head + source + location + "[fields]\nbirth = {column = \"b\", formats = [\"2006-01-02\"]}", "the year (yyyy) is missing"},
		"format not understood": {head + source + location + "[fields]\nbirth = {column = \"b\", formats = [\"YYYY-MM-dd\"]}", "not understood"},
		"time without zone": {strings.Replace(head, "person", "event", 1) + source + location +
			"[fields]\ntitle = {column = \"t\"}\nreportedAt = {column = \"t\", formats = [\"yyyy-MM-dd HH:mm\"]}", "so a zone is needed"},
		"missing field":     {strings.Replace(head, "person", "site", 1) + source + location, "fields.name: is required for a site"},
		"rule without as":   {head + source + location + "[[refuse]]\ncolumn = \"x\"\nequals = \"0\"", "as is missing"},
		"lost code table":   {head + source + location + "[fields]\nclass = {column = \"c\", tableFile = {file = \"no.csv\", from = \"a\", to = \"b\"}}", "code table no.csv"},
		"key of places":     {"kind = \"place\"\nkey = [\"id\"]\n" + source + "[location]\nnone = true", "leave key out"},
		"point of a place":  {"kind = \"place\"\n" + source + location, "a place's boundary comes from the file's geometry"},
		"duplicates policy": {"duplicates = \"keep\"\n" + head + source + location, `use "reject" or "unchanged"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseMapping([]byte(c.text), t.TempDir())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want … %s …", err, c.want)
			}
		})
	}
}

func TestBanned(t *testing.T) {
	for _, name := range []string{"宗教", "宗教信仰", "民族", "民 族", "政治面貌", "信访记录", "前科", "Religion", "religious_view", "ETHNICITY", "ethnic-group", "race", "Criminal Record", "petitions", "political party"} {
		for _, kind := range layers.Kinds {
			if banned(kind, name) != forbiddenReason {
				t.Errorf("%s may be read of a %s", name, kind)
			}
		}
	}
	for _, name := range []string{
		"risk level", "Risk_Score", "riskScore", "RISK-RANK", "credit score", "danger_level", "threat", "grade", "blacklist", "风险等级", "风 险 等 级", "人员风险评分",
		"信用分", "重点人员类别", "管控级别", "人物画像", "积分", "fengxian_dengji",
	} {
		if banned(layers.KindPerson, name) != judgedReason {
			t.Errorf("%s may be read of a person", name)
		}
		if banned(layers.KindSite, name) != "" || banned(layers.KindEvent, name) != "" {
			t.Errorf("%s may not be read of a site or an event", name)
		}
	}
	for _, name := range []string{"name", "姓名", "trace_id", "terrace", "address", "competition", "surface", "残疾等级", "护理等级", "school_grade", "gender", "birth", "care", "居住地址"} {
		if banned(layers.KindPerson, name) != "" {
			t.Errorf("%s may not be read", name)
		}
	}
}

func TestPattern(t *testing.T) {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ pattern, text, want string }{
		{"yyyy-MM-dd HH:mm", "2024-03-09 07:05", "2024-03-08T23:05:00Z"},
		{"yyyy/M/d H:mm", "2024/3/9 7:05", "2024-03-08T23:05:00Z"},
		{"yyyyMMddHHmmss", "20240309070501", "2024-03-08T23:05:01Z"},
		{"yyyy年M月d日", "2024年3月9日", "2024-03-08T16:00:00Z"},
		{"yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2024-03-09T07:05:01.5-08:00", "2024-03-09T15:05:01.5Z"},
		{"yyyy-MM-dd'T'HH:mm:ssXXX", "2024-03-09T07:05:01Z", "2024-03-09T07:05:01Z"},
		{"MM/dd/yyyy hh:mm a", "03/09/2024 12:05 am", "2024-03-08T16:05:00Z"},
		{"MM/dd/yyyy hh:mm a", "03/09/2024 12:05 PM", "2024-03-09T04:05:00Z"},
		{"yyyy-MM-dd", "2024-3-9", ""},
		{"yyyy-MM-dd", "2024-03-09x", ""},
		{"yyyy-MM-dd", "2024-02-30", ""},
		{"yyyy-MM-dd", "2023-02-29", ""},
		{"yyyy-MM-dd HH:mm", "2024-03-09 24:00", ""},
		{"MM/dd/yyyy hh:mm a", "03/09/2024 13:05 PM", ""},
		{"yyyy-MM-dd", "", ""},
		{"yyyy-MM-dd", "２０２４-03-09", ""},
	} {
		p, err := compilePattern(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if clock, ok := p.read(c.text); ok && clock.exists() {
			at, _, _ := clock.instant(shanghai)
			got = at.UTC().Format(time.RFC3339Nano)
		}
		if got != c.want {
			t.Errorf("%s of %q: %q, want %q", c.pattern, c.text, got, c.want)
		}
	}
}

// TestSummerTime fixes the choice: of an hour shown twice the first, of a skipped hour none.
func TestSummerTime(t *testing.T) {
	for _, c := range []struct {
		zone, local, want string
		twice             bool
	}{
		{"America/Vancouver", "2023-03-12 01:59", "2023-03-12T09:59:00Z", false},
		{"America/Vancouver", "2023-03-12 02:00", "", false},
		{"America/Vancouver", "2023-03-12 02:59", "", false},
		{"America/Vancouver", "2023-03-12 03:00", "2023-03-12T10:00:00Z", false},
		{"America/Vancouver", "2023-11-05 00:59", "2023-11-05T07:59:00Z", false},
		{"America/Vancouver", "2023-11-05 01:00", "2023-11-05T08:00:00Z", true},
		{"America/Vancouver", "2023-11-05 01:59", "2023-11-05T08:59:00Z", true},
		{"America/Vancouver", "2023-11-05 02:00", "2023-11-05T10:00:00Z", false},
		{"Australia/Lord_Howe", "2023-10-01 02:15", "", false},
		{"Australia/Lord_Howe", "2023-04-02 01:45", "2023-04-01T14:45:00Z", true},
		{"Asia/Shanghai", "1991-04-14 02:30", "", false}, // China had summer time from 1986 to 1991
		{"Asia/Shanghai", "2023-03-12 02:30", "2023-03-11T18:30:00Z", false},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		p, err := compilePattern("yyyy-MM-dd HH:mm")
		if err != nil {
			t.Fatal(err)
		}
		clock, _ := p.read(c.local)
		at, twice, ok := clock.instant(zone)
		got := ""
		if ok {
			got = at.UTC().Format(time.RFC3339)
		}
		if got != c.want || twice != c.twice {
			t.Errorf("%s in %s: %q twice %v, want %q %v", c.local, c.zone, got, twice, c.want, c.twice)
		}
	}
}

// TestInstantIsTheFirst compares with a search over all moments: the first whose local clock shows the time.
func TestInstantIsTheFirst(t *testing.T) {
	zones := []string{"America/Vancouver", "Asia/Shanghai", "Australia/Lord_Howe", "Europe/London", "America/St_Johns"}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		near := time.Date(rapid.IntRange(1975, 2030).Draw(t, "year"), time.Month(rapid.SampledFrom([]int{3, 4, 9, 10, 11}).Draw(t, "month")),
			rapid.IntRange(1, 31).Draw(t, "day"), rapid.IntRange(0, 4).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"), 0, 0, time.UTC)
		c := clock{year: near.Year(), month: int(near.Month()), day: near.Day(), hour: near.Hour(), minute: near.Minute()}
		var first time.Time
		for m := near.Add(-16 * time.Hour); m.Before(near.Add(16 * time.Hour)); m = m.Add(time.Minute) {
			if l := m.In(zone); l.Hour() == c.hour && l.Minute() == c.minute && l.Day() == c.day {
				first = m
				break
			}
		}
		at, _, ok := c.instant(zone)
		if ok == first.IsZero() || ok && !at.Equal(first) {
			t.Fatalf("%v in %v: %v %v, want %v", near, zone, at.UTC(), ok, first)
		}
	})
}

func FuzzPattern(f *testing.F) {
	f.Add("yyyy-MM-dd HH:mm:ss.SSSXXX", "2024-03-09 07:05:01.123+08:00")
	f.Add("yyyy年M月d日", "2024年3月9日")
	f.Add("hh:mm a d/M/yyyy", "12:00 am 1/1/2000")
	f.Fuzz(func(t *testing.T, format, text string) {
		p, err := compilePattern(format)
		if err != nil {
			return
		}
		if c, ok := p.read(text); ok && c.exists() {
			if at, _, ok := c.instant(time.UTC); ok && !c.hasOffset && at.Day() != c.day {
				t.Fatalf("%q of %q: %v", format, text, at)
			}
		}
	})
}

func FuzzMapping(f *testing.F) {
	f.Add([]byte(people))
	f.Add([]byte("kind = \"place\"\n[source]\ncode=\"a\"\nname=\"b\"\n[location]\nnone=true\n[fields]\ncode={column=\"c\"}\nlevel={const=\"1\"}\nname={column=\"n\"}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if strings.Contains(string(text), "tableFile") {
			return // would read files
		}
		if m, err := ParseMapping(text, t.TempDir()); err == nil && m.kind == "" {
			t.Fatal("a mapping without a kind was accepted")
		}
	})
}

func TestSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s seen
		model := map[string]uint32{}
		for range rapid.IntRange(0, 3000).Draw(t, "n") {
			key, content := rapid.StringN(0, 2, 4).Draw(t, "key"), rapid.Uint32Range(0, 2).Draw(t, "content")
			known, equal := s.add(markOf(key, content))
			old, had := model[key]
			if known != had || had && equal != (old == content) {
				t.Fatalf("%q: known %v equal %v, want %v %v", key, known, equal, had, old == content)
			}
			if !had {
				model[key] = content
			}
		}
	})
}
