package catalogue

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"onepicture/layers"
)

// itemFormat is the file of event items; docs/catalogue.md tells of each column.
const itemFormat = "code category name name_en? subclass? object? department? duty? level# deadline_hours# level_hours? round_clock?# " +
	"steps? requires? photos?# verify_level? dup_meters?# dup_hours?# repeat_days?# ends?"

// itemTitles are the columns in the words of those who fill them in, in the order in which they are written.
var itemTitles = [][2]string{
	{"code", "事项编码"}, {"category", "大类"}, {"name", "事项名称"}, {"name_en", "英文名称"}, {"subclass", "小类"}, {"object", "管理对象"},
	{"department", "责任单位"}, {"duty", "职责边界"}, {"level", "级别"}, {"deadline_hours", "处置时限（小时）"}, {"level_hours", "分级时限（一/二/三/四级）"},
	{"round_clock", "不分工作时间"}, {"steps", "标准步骤"}, {"requires", "必填要素"}, {"photos", "反馈照片数"}, {"verify_level", "核查层级"},
	{"dup_meters", "查重半径（米）"}, {"dup_hours", "查重时限（小时）"}, {"repeat_days", "重复发生天数"}, {"ends", "停用日期"},
}

// itemColumn is the column that a heading means.
func itemColumn(heading string) string {
	for _, t := range itemTitles {
		if heading == t[1] {
			return t[0]
		}
	}
	return heading
}

// item is a row of the file, or the latest version of an item as such a row.
type item struct {
	code, category, name, nameEn, subclass, object, department, duty string
	level, deadline                                                  int
	hours                                                            []int // by level; nil: deadline for all
	round                                                            bool
	steps, requires                                                  []string
	photos, verify                                                   int
	dupMeters, dupHours, repeatDays                                  int // 0: the usual
	ends                                                             *time.Time

	version int // 0: none is there yet
	from    time.Time
}

// mostOf are the characters that a column may have.
var mostOf = map[string]int{"name": 60, "name_en": 120, "subclass": 60, "object": 200, "duty": 2000, "steps": 4000, "requires": 400}

// checkItem looks at what can be known without the database.
func (r Row) checkItem() (faults Faults) {
	wrong := func(column, class, format string, args ...any) {
		faults = append(faults, r.fault(column, class, format, args...))
	}
	bounds := func(column string, least, most int) {
		if _, err := strconv.Atoi(r.Get(column)); err == nil && (r.Int(column) < least || r.Int(column) > most) {
			wrong(column, ClassNumber, "must be %d to %d", least, most)
		}
	}
	bounds("level", 1, 4)
	bounds("deadline_hours", 1, maxNumber)
	bounds("photos", 0, 12)
	bounds("round_clock", 0, 1)
	bounds("dup_meters", 1, 5000)
	bounds("dup_hours", 1, 8760)
	bounds("repeat_days", 1, 366)
	if len(r.Get("code")) > 60 {
		wrong("code", ClassLong, "is longer than 60 characters")
	}
	for _, t := range itemTitles {
		v := r.Get(t[0])
		switch {
		case !utf8.ValidString(v) || strings.ContainsFunc(v, func(c rune) bool { return unicode.IsControl(c) && c != '\n' && c != '\t' }):
			wrong(t[0], ClassText, "has characters that are no text")
		case mostOf[t[0]] > 0 && utf8.RuneCountInString(v) > mostOf[t[0]]:
			wrong(t[0], ClassLong, "is longer than %d characters", mostOf[t[0]])
		case mostOf[t[0]] > 0 && strings.ContainsAny(firstOf(v), "=+-@"): // what is exported must be harmless where it is opened
			wrong(t[0], ClassText, "begins with a sign that spreadsheets take for a formula")
		}
	}
	if _, ok := r.hours(); !ok {
		wrong("level_hours", ClassNumber, "must be hours for the levels 1 to 4, such as 4/8/24/72")
	}
	for _, v := range wordsOf(r.Get("requires")) {
		if !layers.ValidRequirement(v) {
			wrong("requires", ClassChoice, "%q is none of %s", v, strings.Join(layers.Requirements(), " "))
		}
	}
	if v := r.Get("verify_level"); v != "" && !slices.Contains(layers.Levels[1:], v) {
		wrong("verify_level", ClassChoice, "must be city, town or village")
	}
	if _, ok := r.ends(); !ok {
		wrong("ends", ClassDate, "is not a date such as 2026-12-31")
	}
	return faults
}

func firstOf(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return s[:n]
}

// hours are the deadlines by level, four numbers between slashes; nil when the column is empty.
func (r Row) hours() ([]int, bool) {
	v := r.Get("level_hours")
	if v == "" {
		return nil, true
	}
	parts := strings.Split(v, "/")
	out := make([]int, len(parts))
	for i, p := range parts {
		n, err := strconv.Atoi(strings.TrimSpace(p))
		if err != nil || n < 1 || n > maxNumber {
			return nil, false
		}
		out[i] = n
	}
	return out, len(out) == 4
}

// ends is a day in words, or as a sheet counts it: days since 30 December 1899.
func (r Row) ends() (*time.Time, bool) {
	v := r.Get("ends")
	if v == "" {
		return nil, true
	}
	if n, err := strconv.Atoi(v); err == nil && n > 36_525 && n < 73_050 { // of this century
		day := time.Date(1899, 12, 30+n, 0, 0, 0, 0, time.UTC)
		return &day, true
	}
	day, err := time.Parse(time.DateOnly, strings.ReplaceAll(v, "/", "-"))
	return &day, err == nil
}

func wordsOf(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return unicode.IsSpace(c) || strings.ContainsRune(",;、，；", c) })
}

func stepsOf(s string) (out []string) {
	for p := range strings.SplitSeq(s, "；") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// item is the checked row's. Round the clock is as it says, else what is grave; the village's desk verifies unless it
// says otherwise.
func (r Row) item() item {
	it := item{
		code: r.Get("code"), category: r.Get("category"), name: r.Get("name"), nameEn: r.Get("name_en"), subclass: r.Get("subclass"),
		object: r.Get("object"), department: r.Get("department"), duty: r.Get("duty"), level: r.Int("level"), deadline: r.Int("deadline_hours"),
		round: r.Int("round_clock") > 0, steps: stepsOf(r.Get("steps")), requires: wordsOf(r.Get("requires")), photos: r.Int("photos"),
		verify:    slices.Index(layers.Levels[:], or(r.Get("verify_level"), "village")),
		dupMeters: r.Int("dup_meters"), dupHours: r.Int("dup_hours"), repeatDays: r.Int("repeat_days"),
	}
	if r.Get("round_clock") == "" {
		it.round = it.level <= 2
	}
	slices.Sort(it.requires)
	it.requires = slices.Compact(it.requires)
	it.hours, _ = r.hours()
	it.ends, _ = r.ends()
	return it
}

// cells are the item as a row of the file, in the order of itemTitles.
func (it *item) cells() []string {
	hours := make([]string, len(it.hours))
	for i, h := range it.hours {
		hours[i] = strconv.Itoa(h)
	}
	round, ends := "0", ""
	if it.round {
		round = "1"
	}
	if it.ends != nil {
		ends = it.ends.Format(time.DateOnly)
	}
	return []string{
		it.code, it.category, it.name, it.nameEn, it.subclass, it.object, it.department, it.duty, strconv.Itoa(it.level),
		strconv.Itoa(it.deadline), strings.Join(hours, "/"), round, strings.Join(it.steps, "；"), strings.Join(it.requires, " "),
		strconv.Itoa(it.photos), layers.Levels[it.verify], filled(it.dupMeters), filled(it.dupHours),
		filled(it.repeatDays), ends,
	}
}

// filled is a number's cell, empty for 0.
func filled(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// same tells whether two say the same, whenever they end.
func (it *item) same(other *item) bool {
	a, b := it.cells(), other.cells()
	return slices.Equal(a[:len(a)-1], b[:len(b)-1])
}
