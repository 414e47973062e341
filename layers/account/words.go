package account

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

// Words are a sentence in both languages.
type Words struct{ Zh, En string }

// RightWords are the rights in words, one each.
var RightWords = []struct {
	Right layers.Rights
	Code  string
	Words
}{
	{layers.RightReport, "report", Words{"上报事件", "report events"}},
	{layers.RightHandle, "handle", Words{"处置事件", "handle events"}},
	{layers.RightUnmask, "unmask", Words{"说明用途后查看个人信息明文（留痕）", "see a personal value in full for a stated purpose, on record"}},
	{layers.RightBreakGlass, "break_glass", Words{"紧急情况下越权查看个人信息（通知审计员）", "see one beyond your places in an emergency, with an alert to the auditor"}},
	{layers.RightExport, "export", Words{"导出表格", "export tables"}},
	{layers.RightImport, "import", Words{"导入数据", "import data"}},
	{layers.RightCatalogue, "catalogue", Words{"维护目录、图层和区域", "look after catalogues, layers and places"}},
	{layers.RightSources, "sources", Words{"管理数据源", "look after sources"}},
	{layers.RightAccounts, "accounts", Words{"管理账号和授权", "manage accounts and grants"}},
	{layers.RightAudit, "audit", Words{"查阅审计记录", "read the audit"}},
}

var kindWords = []struct {
	of func(*Rule) Sees
	Words
}{
	{func(r *Rule) Sees { return r.Person }, Words{"人口", "people"}},
	{func(r *Rule) Sees { return r.Site }, Words{"场所", "sites"}},
	{func(r *Rule) Sees { return r.Event }, Words{"事件", "events"}},
}

// Explain says in plain words what grants allow: a sentence for each role, then what may be done, then what never may.
// Grants of one role with one end are told together. now decides which are in force; zone is that of the dates.
func Explain(grants []Grant, t *layers.Tree, c *layers.Catalogue, now time.Time, zone *time.Location) []Words {
	var out []Words
	var rights layers.Rights
	persons := false
	for _, g := range together(grants) {
		rule := RuleOf(g[0].Role)
		if rule == nil {
			continue
		}
		if g[0].holds(now) {
			rights |= rule.Rights
			persons = persons || rule.SeesPersons()
		}
		out = append(out, roleWords(rule, g, t, c, now, zone))
	}
	if len(out) == 0 {
		return []Words{{"您还没有任何权限：请联系管理员授权。", "You have no rights yet: ask an administrator for a role."}}
	}
	if w := doWords(rights); w.Zh != "" {
		out = append(out, w)
	}
	if !persons {
		out = append(out, Words{"您看不到任何人的个人记录。", "You see no personal record of anybody."})
	}
	return out
}

// together groups the grants of one role for one department with one time.
func together(grants []Grant) (groups [][]Grant) {
next:
	for _, g := range grants {
		for i, known := range groups {
			if k := known[0]; k.Role == g.Role && k.Department == g.Department && k.Until.Equal(g.Until) && k.From.Equal(g.From) {
				groups[i] = append(known, g)
				continue next
			}
		}
		groups = append(groups, []Grant{g})
	}
	return groups
}

func roleWords(rule *Rule, g []Grant, t *layers.Tree, c *layers.Catalogue, now time.Time, zone *time.Location) Words {
	var zh, en []string
	for i := 0; i < len(kindWords); {
		sees := kindWords[i].of(rule)
		last := i
		for last+1 < len(kindWords) && kindWords[last+1].of(rule) == sees {
			last++
		}
		if w := seesWords(sees, g, t, c); w.Zh != "" {
			zh = append(zh, joinZh(i, last)+"："+w.Zh)
			en = append(en, joinEn(i, last)+": "+w.En)
		}
		i = last + 1
	}
	time := timeWords(g[0], now, zone)
	return Words{
		Zh: rule.Name + "（" + placesWords(g, t, Own).Zh + "）" + time.Zh + "：" + strings.Join(zh, "；") + "。",
		En: rule.NameEn + " (" + placesWords(g, t, Own).En + ")" + time.En + " – " + strings.Join(en, "; ") + ".",
	}
}

func seesWords(s Sees, g []Grant, t *layers.Tree, c *layers.Catalogue) Words {
	switch {
	case s == (Sees{}):
		return Words{}
	case s.Owned > Nowhere:
		return ownedWords(s, g, t, c.Department(g[0].Department))
	case s.Records == Nowhere:
		w := placesWords(g, t, s.Counts)
		return Words{"看" + w.Zh + "的计数，不看单条记录", "counts in " + w.En + ", no single records"}
	case s.Counts == s.Records:
		w := placesWords(g, t, s.Records)
		return Words{"看" + w.Zh + "的计数和单条记录", "counts and single records in " + w.En}
	}
	counts, records := placesWords(g, t, s.Counts), placesWords(g, t, s.Records)
	return Words{"看" + counts.Zh + "的计数、" + records.Zh + "的单条记录", "counts in " + counts.En + ", single records in " + records.En}
}

// ownedWords tell of the records of a department's own; d is nil for a grant that names none.
func ownedWords(s Sees, g []Grant, t *layers.Tree, d *layers.Department) Words {
	counts, records := placesWords(g, t, s.Counts), placesWords(g, t, s.Owned)
	if d == nil {
		return Words{"看" + counts.Zh + "的计数，授权没有指明部门，不看单条记录", "counts in " + counts.En + ", no single records, because the grant names no department"}
	}
	return Words{
		"看" + counts.Zh + "的计数、" + records.Zh + "由" + d.Name + "负责的单条记录",
		"counts in " + counts.En + ", records of those of " + cmp.Or(d.NameEn, d.Name) + " in " + records.En,
	}
}

// placesWords names where a reach ends for each of the grants, each place once.
func placesWords(g []Grant, t *layers.Tree, w Where) Words {
	var zh, en []string
	seen := map[layers.PlaceID]bool{}
	for i := range g {
		p := topOf(w, t, g[i].Place)
		if p == nil && g[i].Place != 0 {
			continue // not in the tree: it allows nothing
		}
		id := layers.PlaceID(0)
		if p != nil {
			id = p.ID
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		if p == nil {
			zh, en = append(zh, "全部区域"), append(en, "all places")
			continue
		}
		zh, en = append(zh, p.Name), append(en, english(p))
	}
	if len(zh) == 0 {
		return Words{"已撤销的区域", "places that are no more"}
	}
	if len(zh) > 6 {
		n := len(zh)
		return Words{fmt.Sprintf("%s等 %d 个区域", zh[0], n), fmt.Sprintf("%s and %d other places", en[0], n-1)}
	}
	return Words{strings.Join(zh, "、"), list(en)}
}

func english(p *layers.Place) string {
	if p.NameEn != "" {
		return p.NameEn
	}
	return p.Name
}

func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

func joinZh(first, last int) string {
	var w []string
	for _, k := range kindWords[first : last+1] {
		w = append(w, k.Zh)
	}
	return strings.Join(w, "、")
}

func joinEn(first, last int) string {
	var w []string
	for _, k := range kindWords[first : last+1] {
		w = append(w, k.En)
	}
	return list(w)
}

func timeWords(g Grant, now time.Time, zone *time.Location) (w Words) {
	if g.From.After(now) {
		at := g.From.In(zone)
		w.Zh, w.En = at.Format("，自 2006 年 1 月 2 日起"), at.Format(", from 2 January 2006")
	}
	if !g.Until.IsZero() {
		at := g.Until.In(zone)
		w.Zh, w.En = w.Zh+at.Format("，至 2006 年 1 月 2 日 15:04"), w.En+at.Format(", until 2 January 2006 15:04")
	}
	return w
}

func doWords(rights layers.Rights) Words {
	var zh, en []string
	for _, r := range RightWords {
		if rights.Has(r.Right) {
			zh, en = append(zh, r.Zh), append(en, r.En)
		}
	}
	if len(zh) == 0 {
		return Words{"您不能修改任何内容。", "You change nothing."}
	}
	return Words{"您可以：" + strings.Join(zh, "、") + "。", "You may " + list(en) + "."}
}

// Me is what somebody is told of themselves.
type Me struct {
	Account
	Grants []Grant
	Since  time.Time // of the session
	Ends   time.Time // of the session, at the latest
	Idle   time.Duration
}

var meSQL = sql.Text("account/me.sql")

// Me tells who holds the pass.
func (a *Accounts) Me(ctx context.Context, p Pass) (m Me, err error) {
	var ok bool
	if m.ID, ok = p.Account(); !ok {
		return m, layers.Forbidden("a service key is nobody: ask as one who has signed in")
	}
	var idle float64
	if err := a.pool.QueryRow(ctx, meSQL, p.session.hash[:]).Scan(&m.Name, &m.Display, &m.DisplayEn, &m.Since, &m.Ends, &idle); err != nil {
		return m, ledger.Problem("account", err)
	}
	m.Idle = time.Duration(idle * float64(time.Second))
	if m.Grants, err = a.grants(ctx, a.pool, m.ID); err != nil {
		return m, ledger.Problem("account", err)
	}
	return m, nil
}
