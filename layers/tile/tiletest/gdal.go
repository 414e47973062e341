package tiletest

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/wkt"

	"onepicture/geo"
)

// byGDAL reads the folder's tiles with GDAL's MVT reader, all in one call: a virtual data source (VRT) names each layer
// of each tile, and each becomes a CSV file. GEOS, by way of SpatiaLite, says whether the shapes are valid.
func byGDAL(t testing.TB, dir string, known Decoded) Decoded {
	t.Helper()
	var vrt strings.Builder
	vrt.WriteString("<OGRVRTDataSource>\n")
	for tile, layers := range known {
		for _, layer := range names(layers) {
			// Layers' codes are of letters, digits and _, so nothing needs quoting.
			fmt.Fprintf(&vrt, `<OGRVRTLayer name="%s-%s"><SrcDataSource>MVT:%s.mvt</SrcDataSource><OpenOptions>`+
				`<OOI key="X">%d</OOI><OOI key="Y">%d</OOI><OOI key="Z">%d</OOI><OOI key="CLIP">NO</OOI></OpenOptions>`+
				`<SrcSQL dialect="sqlite">select *, st_isvalid(geometry) as is_valid from "%s"</SrcSQL></OGRVRTLayer>`+"\n",
				fileName(tile), layer, filepath.Join(dir, fileName(tile)), tile.X, tile.Y, tile.Z, layer)
		}
	}
	vrt.WriteString("</OGRVRTDataSource>\n")
	source, tables := filepath.Join(dir, "all.vrt"), filepath.Join(dir, "tables")
	if err := os.WriteFile(source, []byte(vrt.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "ogr2ogr", "-f", "CSV", tables, source, "-lco", "GEOMETRY=AS_WKT").CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Fatalf("GDAL is not installed: run \"scripts/packages.sh test\" (make test does): %v", err)
	}
	if err != nil || len(out) > 0 { // GDAL says by a warning what it mends
		t.Fatalf("GDAL: %v\n%s", err, out)
	}
	got := Decoded{}
	for tile, layers := range known {
		got[tile] = map[string][]Feature{}
		for _, layer := range names(layers) {
			list, err := readTable(filepath.Join(tables, fileName(tile)+"-"+layer+".csv"), tile)
			if err != nil {
				t.Errorf("tile %v, layer %s: GDAL: %v", tile, layer, err)
			}
			got[tile][layer] = list
		}
	}
	return got
}

func readTable(path string, tile geo.Tile) ([]Feature, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("it does not see the layer")
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New("it sees an empty layer")
	}
	var out []Feature
	for _, row := range rows[1:] {
		f := Feature{Properties: map[string]string{}}
		for i, key := range rows[0] {
			switch {
			case key == "WKT":
				g, err := wkt.Unmarshal(row[i])
				if err != nil {
					return nil, fmt.Errorf("%s: %w", row[i], err)
				}
				if f.Kind, f.Parts, err = parts(g, unitsOf(tile)); err != nil {
					return nil, err
				}
			case key == "mvt_id":
				f.ID, _ = strconv.ParseInt(row[i], 10, 64) // nothing: none
			case key == "is_valid":
				if row[i] != "1" {
					return nil, fmt.Errorf("feature %d is not valid", f.ID)
				}
			case row[i] != "":
				f.Properties[key] = row[i]
			}
		}
		out = append(out, f)
	}
	return out, nil
}

// unitsOf turns metres of Web Mercator (EPSG:3857) into units of the tile.
func unitsOf(tile geo.Tile) func(orb.Point) [2]int {
	const side = 2 * math.Pi * 6378137
	n := float64(uint64(1)<<tile.Z) * geo.Extent
	return func(p orb.Point) [2]int {
		x := (p[0]/side+0.5)*n - float64(tile.X)*geo.Extent
		y := (0.5-p[1]/side)*n - float64(tile.Y)*geo.Extent
		return [2]int{int(math.Round(x)), int(math.Round(y))}
	}
}
