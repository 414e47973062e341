package intake

import (
	"strings"

	"onepicture/layers"
)

// What a mapping hears that asks for what must not be held.
const (
	forbiddenReason = "religion, ethnicity, political affiliation, petitions and criminal records are never held here; " +
		"remove it from the mapping"
	judgedReason = "a person is never scored, graded or ranked here: risk is told of places alone; remove it from the mapping"
)

// forbiddenWords are parts of column or field names that mean such data, in lower case without blanks, hyphens and
// underscores. A column whose name contains one is never read, whatever the mapping says.
var forbiddenWords = []string{
	"宗教", "信仰", "教派", "民族", "族别", "政治面貌", "党派", "党员", "入党", "信访", "上访", "前科", "犯罪", "刑满", "违法记录", "吸毒",
	"涉毒", "社区矫正", "邪教",
	"religio", "faith", "ethnic", "nationalitycn", "race", "politic", "partymember", "partyaffiliation", "petition",
	"criminal", "conviction", "exoffender", "minzu", "zongjiao", "zhengzhimianmao", "xinfang",
}

// judgingWords are parts of names by which persons are scored or sorted. Sites and events may have such columns: a
// warehouse has a hazard class, an event a level.
var judgingWords = []string{
	"风险", "评分", "打分", "积分", "信用分", "分值", "得分", "等级", "危险程度", "危险性", "重点人", "重点人员", "管控级", "关注级", "黑名单", "画像", "预警",
	"risk", "score", "rating", "ranking", "grade", "danger", "threat", "creditpoint", "blacklist", "watchlist", "suspicio", "profiling",
	"fengxian", "pingfen", "heimingdan", "zhongdianren",
}

// innocentWords contain a forbidden word by accident, or name a grade that a service needs.
var innocentWords = []string{
	"trace", "racetrack", "racecourse", "brace", "terrace", "grace", "competition", "repetition", "upgrade", "schoolgrade", "asterisk", "operating",
	"残疾等级", "护理等级", "失能等级",
}

// banned tells why a column or field of that name must not be read into records of a kind; "" when it may be.
func banned(kind layers.Kind, name string) string {
	n := strings.NewReplacer(" ", "", "_", "", "-", "", "　", "").Replace(strings.ToLower(name))
	for _, w := range innocentWords {
		n = strings.ReplaceAll(n, w, "")
	}
	has := func(words []string) bool {
		for _, w := range words {
			if strings.Contains(n, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has(forbiddenWords):
		return forbiddenReason
	case kind == layers.KindPerson && has(judgingWords):
		return judgedReason
	}
	return ""
}
