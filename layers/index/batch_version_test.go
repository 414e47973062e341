package index

import (
	"fmt"
	"slices"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"onepicture/geo"
	"onepicture/layers"
)

// However the changes come to a server, in one update or in many: tiles of one version are the same on all, so that they
// may share them. What a tile shows at a version is told by its rows.
func TestTilesOfOneVersionAreTheSameHoweverChangesCome(outer *testing.T) {
	k := layers.KindEvent
	spots := []geo.Key{geo.KeyOf(113.1, 23.1), geo.KeyOf(113.5, 23.1), geo.KeyOf(113.9, 23.1)}
	rapid.Check(outer, func(t *rapid.T) {
		type step struct {
			put  *Put
			gone int64
			at   layers.Position
		}
		var steps []step
		dead := map[int64]bool{}
		for at := layers.Position(51); at < 51+layers.Position(rapid.IntRange(2, 12).Draw(t, "changes")); at++ {
			id := rapid.Int64Range(1, 4).Draw(t, "id")
			switch {
			case dead[id]:
			case rapid.IntRange(0, 4).Draw(t, "kind") == 0:
				dead[id] = true
				steps = append(steps, step{gone: id, at: at})
			default:
				key := rapid.SampledFrom(spots).Draw(t, "spot")
				p := &Put{Kind: k, Record: layers.Record{ID: id, Key: key, Class: uint16(rapid.IntRange(0, 3).Draw(t, "class"))}, Position: at}
				if lon, lat := key.LonLat(); rapid.Bool().Draw(t, "area") {
					p.Bound = &orb.Bound{Min: orb.Point{lon - 0.01, lat - 0.01}, Max: orb.Point{lon + 0.01, lat + 0.01}}
				}
				steps = append(steps, step{put: p, at: at})
			}
		}
		shown := map[string]string{}
		for server := range 4 {
			x := load(outer, testBits(k), false)
			var u Update
			for i, s := range steps {
				u.Through, u.At = s.at, testTime
				if s.put != nil {
					u.Puts = append(u.Puts, *s.put)
				} else {
					u.Deletes = append(u.Deletes, Delete{k, s.gone, s.at})
				}
				if i < len(steps)-1 && server > 0 && rapid.Bool().Draw(t, "on") { // the first server takes them one by one
					continue
				}
				x.Apply(u)
				u = Update{}
				snap := x.Snapshot()
				for _, key := range spots {
					for _, z := range []uint8{3, 9, 14} {
						tile := geo.TileOf(key, z)
						var rows []string
						found, _ := snap.Scan(Query{Kind: k, Scope: layers.Internal("test")}, tile, 10)
						for _, r := range found {
							rows = append(rows, fmt.Sprint(r.ID, r.Key, r.Class))
						}
						slices.Sort(rows)
						at := fmt.Sprint(tile, " of version ", snap.Version(k, 0, tile))
						if before, known := shown[at]; known && before != fmt.Sprint(rows) {
							t.Fatalf("%s shows %s on one server and %s on another", at, before, rows)
						}
						shown[at] = fmt.Sprint(rows)
					}
				}
			}
		}
	})
}
