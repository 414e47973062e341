package account

import (
	"time"

	"onepicture/layers"
)

// Role is what somebody is for the city, as it is stored and travels.
type Role string

// The roles.
const (
	Wall              Role = "wall"
	GridWorker        Role = "grid_worker"
	Clerk             Role = "clerk"
	TownDuty          Role = "town_duty"
	DepartmentOfficer Role = "department_officer"
	CityDuty          Role = "city_duty"
	Analyst           Role = "analyst"
	DataSteward       Role = "data_steward"
	Auditor           Role = "auditor"
	Administrator     Role = "administrator"
)

// Where is a reach relative to the place on which a role is granted.
type Where uint8

// The reaches, each including those before it.
const (
	Nowhere Where = iota
	Own           // the place of the grant and all below it
	Town          // the town around it
	City          // the root around it
)

// Sees is what a role sees of one kind: counts, single records, and single records of the own department alone.
type Sees struct{ Counts, Records, Owned Where }

// Rule is what a role means. The table of rules below is the only place where that is said; docs/roles.md is made
// from it.
type Rule struct {
	Role                Role
	Name, NameEn        string
	About, AboutEn      string
	Person, Site, Event Sees
	Rights              layers.Rights
	Unit                bool          // of persons it counts within its own unit only: k = 5 when that is one town
	Idle                time.Duration // a session ends when nobody did anything for so long
	Unattended          bool          // what its page asks by itself counts as use: nobody touches it
	Absolute            time.Duration // and after this in any case
	Alone               bool          // an account that holds it holds no other role
	Separate            bool          // an account that holds it holds no role that sees records of persons
	Key                 bool          // other systems' keys may hold it
	Whole               bool          // given by those alone who administer everything: its rights know no places
}

const day = 24 * time.Hour

// Rules are all roles, in the order in which screens show them.
var Rules = []Rule{
	{
		Role: Wall, Name: "大屏", NameEn: "Wall", About: "指挥大屏共用账号，只看计数，只读", AboutEn: "A shared screen: counts only, changes nothing",
		Person: Sees{Counts: Own}, Site: Sees{Counts: Own}, Event: Sees{Counts: Own},
		Idle: 30 * day, Absolute: 180 * day, Unattended: true, Alone: true, Key: true,
	},
	{
		Role: GridWorker, Name: "网格员", NameEn: "Grid worker", About: "在自己的网格内服务、上报和处置", AboutEn: "Serves, reports and handles in their own grids",
		Person: Sees{Counts: Town, Records: Own}, Site: Sees{Counts: Town, Records: Own}, Event: Sees{Counts: Town, Records: Own},
		Rights: layers.RightReport | layers.RightHandle | layers.RightUnmask, Unit: true, Idle: 12 * time.Hour, Absolute: 7 * day,
	},
	{
		Role: Clerk, Name: "社区专员", NameEn: "Community clerk", About: "管理本村（社区）的人、场所和事件", AboutEn: "Looks after a community's people, sites and events",
		Person: Sees{Counts: Town, Records: Own}, Site: Sees{Counts: Town, Records: Own}, Event: Sees{Counts: Town, Records: Own},
		Rights: layers.RightReport | layers.RightHandle | layers.RightUnmask | layers.RightExport, Unit: true, Idle: 2 * time.Hour, Absolute: 12 * time.Hour,
	},
	{
		Role: TownDuty, Name: "镇街值班员", NameEn: "Town duty officer", About: "镇街指挥中心：看全镇，调度处置", AboutEn: "A town's command centre: sees the town and dispatches",
		Person: Sees{Counts: Own}, Site: Sees{Counts: City, Records: Own}, Event: Sees{Counts: City, Records: Own},
		Rights: layers.RightReport | layers.RightHandle | layers.RightExport | layers.RightBreakGlass, Unit: true, Idle: 2 * time.Hour, Absolute: 12 * time.Hour, Key: true,
	},
	{
		Role: DepartmentOfficer, Name: "部门专员", NameEn: "Department officer", About: "办理本部门负责的事件，可跨多个镇街", AboutEn: "Handles the events of a department, in several towns if need be",
		Site: Sees{Counts: Own, Records: Own}, Event: Sees{Counts: Own, Owned: Own},
		Rights: layers.RightReport | layers.RightHandle | layers.RightExport, Idle: 2 * time.Hour, Absolute: 12 * time.Hour, Key: true,
	},
	{
		Role: CityDuty, Name: "市值班员", NameEn: "City duty officer", About: "市指挥中心：看全市，调度处置", AboutEn: "The city's command centre: sees the city and dispatches",
		Person: Sees{Counts: Own}, Site: Sees{Counts: Own, Records: Own}, Event: Sees{Counts: Own, Records: Own},
		Rights: layers.RightReport | layers.RightHandle | layers.RightExport | layers.RightBreakGlass, Idle: 2 * time.Hour, Absolute: 12 * time.Hour, Key: true, Whole: true,
	},
	{
		Role: Analyst, Name: "分析员", NameEn: "Analyst", About: "比较和分析计数，不看单条记录", AboutEn: "Compares and analyses counts, never single records",
		Person: Sees{Counts: Own}, Site: Sees{Counts: Own}, Event: Sees{Counts: Own},
		Rights: layers.RightExport, Idle: 2 * time.Hour, Absolute: 12 * time.Hour, Key: true,
	},
	{
		Role: DataSteward, Name: "数据管理员", NameEn: "Data steward", About: "管理数据源、导入和目录，不看个人记录", AboutEn: "Looks after sources, imports and catalogues, without records of persons",
		Person: Sees{Counts: Own}, Site: Sees{Counts: Own, Records: Own}, Event: Sees{Counts: Own, Records: Own},
		Rights: layers.RightImport | layers.RightCatalogue | layers.RightSources, Idle: 30 * time.Minute, Absolute: 8 * time.Hour, Separate: true, Key: true, Whole: true,
	},
	{
		Role: Auditor, Name: "审计员", NameEn: "Auditor", About: "查阅审计记录，其余只看计数", AboutEn: "Reads the audit, and counts of everything else",
		Person: Sees{Counts: Own}, Site: Sees{Counts: Own}, Event: Sees{Counts: Own},
		Rights: layers.RightAudit, Idle: 30 * time.Minute, Absolute: 8 * time.Hour, Alone: true, Whole: true,
	},
	{
		Role: Administrator, Name: "系统管理员", NameEn: "Administrator", About: "管理账号和授权，看不到任何人的数据", AboutEn: "Manages accounts and grants, and sees no data of persons",
		Site: Sees{Counts: Own}, Event: Sees{Counts: Own},
		Rights: layers.RightAccounts, Idle: 30 * time.Minute, Absolute: 8 * time.Hour, Alone: true, Whole: true,
	},
}

// RuleOf is the rule of a role; nil when there is no such role.
func RuleOf(r Role) *Rule {
	for i := range Rules {
		if Rules[i].Role == r {
			return &Rules[i]
		}
	}
	return nil
}

// Departmental tells that the role is held for a department: what it sees one by one is that department's own.
func (r *Rule) Departmental() bool {
	return max(r.Person.Owned, r.Site.Owned, r.Event.Owned) > Nowhere
}

// checkDepartment refuses a role without the department that it is held for, and others with one.
func (r *Rule) checkDepartment(department int16) error {
	switch {
	case r.Departmental() && department == 0:
		return layers.Invalid("department", "is missing: %s is held for a department", r.Role)
	case !r.Departmental() && department != 0:
		return layers.Invalid("department", "is not for %s: it is held for no department", r.Role)
	}
	return nil
}

// SeesPersons tells that the role sees single records of persons.
func (r *Rule) SeesPersons() bool { return r.Person.Records > Nowhere }

// limits are how long a session of somebody with these roles lasts: as short as the strictest role says. Without any
// role it is as short as an administrator's.
func limits(roles []Role) (idle, absolute time.Duration) {
	for _, role := range roles {
		rule := RuleOf(role)
		if rule == nil {
			continue
		}
		if idle == 0 || rule.Idle < idle {
			idle = rule.Idle
		}
		if absolute == 0 || rule.Absolute < absolute {
			absolute = rule.Absolute
		}
	}
	if idle == 0 {
		return 30 * time.Minute, 8 * time.Hour
	}
	return idle, absolute
}
