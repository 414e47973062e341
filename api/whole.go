package api

import "onepicture/layers"

// wholeCode stands for everything that the server holds: above the roots when they are several, and the features that
// lie in no place included.
const wholeCode = "all"

// lookUp finds a place by code, or the whole, which has the id 0.
func (s *Server) lookUp(t *layers.Tree, code string) (*layers.Place, error) {
	if code == wholeCode {
		return s.whole(), nil
	}
	if p := t.ByCode(code); p != nil {
		return p, nil
	}
	return nil, layers.NotFound("place")
}

func (s *Server) whole() *layers.Place {
	d := s.Store.World().Deployment
	return &layers.Place{Code: wholeCode, Name: d.Name, NameEn: d.NameEn}
}

// home is the code of the place that a page opens with: the only root, else the whole.
func home(t *layers.Tree) string {
	if roots := t.Roots(); len(roots) == 1 {
		return t.Place(roots[0]).Code
	}
	return wholeCode
}

// ownHome is the code of the lowest place that holds all of which a scope sees single records, or of one that sees none
// anywhere, all that it may count: a page opens there, not in a city of which its reader looks after one village.
func ownHome(t *layers.Tree, scope layers.Scope) string {
	code := home(t)
	var at layers.PlaceID
	if p := t.ByCode(code); p != nil {
		at = p.ID
	}
	own := countsIn
	if max(scope.Person.Detail(), scope.Site.Detail(), scope.Event.Detail()) == layers.DetailRecords {
		own = recordsIn
	}
	for !own(scope, at) {
		var within []*layers.Place
		for _, c := range t.Children(at) {
			if anyBelow(t, c.ID, func(p layers.PlaceID) bool { return own(scope, p) }) {
				within = append(within, c)
			}
		}
		if len(within) != 1 {
			break
		}
		at, code = within[0].ID, within[0].Code
	}
	return code
}

// wayTo is the path to a place, from the whole down when there are several roots.
func (s *Server) wayTo(t *layers.Tree, p *layers.Place) []*layers.Place {
	path := t.Path(p.ID)
	if p.ID == 0 || home(t) == wholeCode {
		path = append([]*layers.Place{s.whole()}, path...)
	}
	return path
}
