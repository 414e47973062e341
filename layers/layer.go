package layers

// Layer is a thematic layer (专题图层): a named, owned, filtered, styled view of the features of one kind.
type Layer struct {
	ID             int32
	Code           string
	Kind           Kind
	Bit            uint8 // among the layers of its kind, 0–63; unused for places
	Group, GroupEn string
	Name, NameEn   string
	Filter         string // CQL2 text; empty: all features of the kind
	Color, Shape   string
	MinZoom        uint8
	Visible        bool // shown when a page opens
	Sort           int
	DepartmentID   int16 // 0: none
	SourceID       int32 // 0: none
}

// Class is a class of persons or sites, or the category of events.
type Class struct {
	Kind         Kind
	ID           uint16
	Code         string
	Name, NameEn string
	Group        string
	Color, Shape string
}

// CareNeed is one bit of a person's care needs.
type CareNeed struct {
	Bit          uint8
	Code         string
	Name, NameEn string
}

// Department owns sources, layers and items.
type Department struct {
	ID           int16
	Code         string
	Name, NameEn string
}

// Catalogue is all that is configured rather than collected: classes, care needs, items, layers, departments.
// It is immutable once built with NewCatalogue; a change of configuration makes a new one.
type Catalogue struct {
	Layers      []Layer
	Classes     []Class
	CareNeeds   []CareNeed
	Items       []Item
	Departments []Department

	layer map[string]*Layer
	class map[Kind]map[string]*Class
	byID  map[Kind]map[uint16]*Class
	care  map[string]*CareNeed
	item  map[uint16]*Item
	code  map[string]*Item
	by    map[int16]*Department
}

// NewCatalogue indexes the given lists. Of an item's versions that of today stands under its code.
func NewCatalogue(c Catalogue) *Catalogue {
	c.layer = make(map[string]*Layer, len(c.Layers))
	for i := range c.Layers {
		c.layer[c.Layers[i].Code] = &c.Layers[i]
	}
	c.class, c.byID = map[Kind]map[string]*Class{}, map[Kind]map[uint16]*Class{}
	for _, k := range Kinds {
		c.class[k], c.byID[k] = map[string]*Class{}, map[uint16]*Class{}
	}
	for i := range c.Classes {
		cl := &c.Classes[i]
		c.class[cl.Kind][cl.Code] = cl
		c.byID[cl.Kind][cl.ID] = cl
	}
	c.care = make(map[string]*CareNeed, len(c.CareNeeds))
	for i := range c.CareNeeds {
		c.care[c.CareNeeds[i].Code] = &c.CareNeeds[i]
	}
	c.item, c.code = make(map[uint16]*Item, len(c.Items)), make(map[string]*Item, len(c.Items))
	for i := range c.Items {
		it := &c.Items[i]
		c.item[it.ID] = it
		if old := c.code[it.Code]; !it.Idle && (old == nil || old.Version < it.Version) {
			c.code[it.Code] = it
		}
	}
	c.by = make(map[int16]*Department, len(c.Departments))
	for i := range c.Departments {
		c.by[c.Departments[i].ID] = &c.Departments[i]
	}
	return &c
}

// Layer finds a layer by code; nil when there is none.
func (c *Catalogue) Layer(code string) *Layer { return c.layer[code] }

// ClassByCode finds a class of a kind; nil when there is none.
func (c *Catalogue) ClassByCode(k Kind, code string) *Class { return c.class[k][code] }

// Class finds a class of a kind by number; nil when there is none.
func (c *Catalogue) Class(k Kind, id uint16) *Class { return c.byID[k][id] }

// CareNeed finds a care need by code; nil when there is none.
func (c *Catalogue) CareNeed(code string) *CareNeed { return c.care[code] }

// Item finds a version of an event item by its number; nil when there is none.
func (c *Catalogue) Item(id uint16) *Item { return c.item[id] }

// ItemByCode finds the version of an event item under which events are filed today; nil when there is none.
func (c *Catalogue) ItemByCode(code string) *Item { return c.code[code] }

// Department finds a department by its number; nil when there is none.
func (c *Catalogue) Department(id int16) *Department { return c.by[id] }

// DepartmentByCode finds a department; nil when there is none.
func (c *Catalogue) DepartmentByCode(code string) *Department {
	for i := range c.Departments {
		if d := &c.Departments[i]; d.Code == code {
			return d
		}
	}
	return nil
}

// Statuses are the codes of an event's steps, by Record.Status.
var Statuses = [...]string{"unknown", "report", "accept", "dispatch", "handle", "feedback", "verify", "close", "void", "suspended", "merged"}

// Steps of an event, by Record.Status.
const (
	StatusUnknown   uint8 = iota
	StatusReport          // 上报
	StatusAccept          // 受理
	StatusDispatch        // 派遣
	StatusHandle          // 处置
	StatusFeedback        // 反馈
	StatusVerify          // 核查
	StatusClose           // 结案
	StatusVoid            // 作废
	StatusSuspended       // 挂起
	StatusMerged          // 并案: it is about the same as another, and counted there
)

// SiteStatuses are the codes of a site's status, by Record.Status.
var SiteStatuses = [...]string{"planned", "open", "suspended", "closed"}

// An event's Flags: the channel in the low bits, and whether it was closed after its deadline.
const (
	ChannelMask uint32 = 3
	FlagLate    uint32 = 1 << 8
)

// Channels are the codes of an event's channel, by Record.Flags & ChannelMask.
var Channels = [...]string{"unknown", "patrol", "resident", "system"}

// Genders are the codes of a person's gender, by Record.Status (GB/T 2261.1).
var Genders = map[string]uint8{"unknown": 0, "male": 1, "female": 2, "not_stated": 9}
