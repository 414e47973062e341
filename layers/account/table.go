package account

import "sync"

// digest is the SHA-256 of a token: what is known of it here.
type digest [32]byte

// table finds sessions by digest: a read lock of one part and a map, no garbage.
type table struct {
	parts [64]struct {
		sync.RWMutex
		m map[digest]*session
	}
}

func (t *table) find(d digest) *session {
	p := &t.parts[d[0]&63]
	p.RLock()
	s := p.m[d]
	p.RUnlock()
	return s
}

// put gives the session that is there already, if there is one.
func (t *table) put(s *session) *session {
	p := &t.parts[s.hash[0]&63]
	p.Lock()
	defer p.Unlock()
	if known := p.m[s.hash]; known != nil {
		return known
	}
	if p.m == nil {
		p.m = map[digest]*session{}
	}
	p.m[s.hash] = s
	return s
}

func (t *table) drop(s *session) {
	p := &t.parts[s.hash[0]&63]
	p.Lock()
	defer p.Unlock()
	if p.m[s.hash] == s {
		delete(p.m, s.hash)
	}
}

func (t *table) each(do func(*session)) {
	for i := range t.parts {
		p := &t.parts[i]
		p.RLock()
		list := make([]*session, 0, len(p.m))
		for _, s := range p.m {
			list = append(list, s)
		}
		p.RUnlock()
		for _, s := range list {
			do(s)
		}
	}
}
