package intake

import "strings"

// forbiddenReason is what a mapping hears that asks for what must not be held.
const forbiddenReason = "religion, ethnicity, political affiliation, petitions and criminal records are never held here; " +
	"remove it from the mapping"

// forbiddenWords are parts of column or field names that mean such data, in lower case without blanks, hyphens and
// underscores. A column whose name contains one is never read, whatever the mapping says.
var forbiddenWords = []string{
	"宗教", "信仰", "教派", "民族", "族别", "政治面貌", "党派", "党员", "入党", "信访", "上访", "前科", "犯罪", "刑满", "违法记录", "吸毒",
	"涉毒", "社区矫正", "邪教",
	"religio", "faith", "ethnic", "nationalitycn", "race", "politic", "partymember", "partyaffiliation", "petition",
	"criminal", "conviction", "exoffender", "minzu", "zongjiao", "zhengzhimianmao", "xinfang",
}

// innocent are names that contain a forbidden word by accident.
var innocentWords = []string{"trace", "racetrack", "racecourse", "brace", "terrace", "grace", "competition", "repetition"}

// forbidden tells whether the name of a column or field stands for data that must not be held.
func forbidden(name string) bool {
	n := strings.NewReplacer(" ", "", "_", "", "-", "", "　", "").Replace(strings.ToLower(name))
	for _, w := range innocentWords {
		n = strings.ReplaceAll(n, w, "")
	}
	for _, w := range forbiddenWords {
		if strings.Contains(n, w) {
			return true
		}
	}
	return false
}
