package catalogue

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers/ledger"
	"onepicture/sql/sqltest"
)

func TestMain(m *testing.M) { sqltest.Main(m) }

func put(t *testing.T, pool *pgxpool.Pool, c *Catalogue) error {
	t.Helper()
	_, err := ledger.New(pool).Write(t.Context(), ledger.Act{Actor: "test", Reason: "test"}, func(tx *ledger.Tx) error {
		return Put(t.Context(), tx, c)
	})
	return err
}

func numbers(t *testing.T, pool *pgxpool.Pool) (n [6]int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), `select (select count(*) from department), (select count(*) from source), (select count(*) from class),
		(select count(*) from item), (select count(*) from layer), (select count(*) from care_need)`).
		Scan(&n[0], &n[1], &n[2], &n[3], &n[4], &n[5]); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSampleIsWholeAndCanBePutAgain(t *testing.T) {
	c, err := Sample()
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Categories) != 6 {
		t.Errorf("%d categories, want 6", len(c.Categories))
	}
	for _, list := range [][]Row{c.Layers, c.Items, c.Sources, c.Departments, c.Categories, c.SiteClasses} {
		for _, r := range list {
			if r.Get("name") == "" || r.Get("name_en") == "" {
				t.Errorf("%s, line %d has no name in one language", r.file, r.line)
			}
		}
	}
	pool := sqltest.DB(t)
	want := [6]int{11, 17, 6 + 60 + 3, 120, 61, 8}
	for range 2 {
		if err := put(t, pool, c); err != nil {
			t.Fatal(err)
		}
		if got := numbers(t, pool); got != want {
			t.Errorf("departments, sources, classes, items, layers, care needs: %v, want %v", got, want)
		}
	}
}

func folder(files ...string) fstest.MapFS {
	dir := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		dir[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return dir
}

func TestUpdateKeepsNumbers(t *testing.T) {
	pool := sqltest.DB(t)
	for _, name := range []string{"火", "火灾"} {
		c, err := Read(folder("categories.csv", "code,name\nfire,"+name+"\nflood,水\n"))
		if err != nil {
			t.Fatal(err)
		}
		if err := put(t, pool, c); err != nil {
			t.Fatal(err)
		}
		var id int
		var got string
		if err := pool.QueryRow(t.Context(), `select id, name from class where code = 'fire'`).Scan(&id, &got); err != nil || id != 1 || got != name {
			t.Errorf("fire is %d %q, %v; want 1 %q", id, got, err, name)
		}
	}
}

func TestFaultsAreNamedAndNothingIsWritten(t *testing.T) {
	pool := sqltest.DB(t)
	for _, c := range []struct {
		name, file, text, want string
	}{
		{"a column is missing", "categories.csv", "code\nfire\n", "categories.csv: the column name is missing"},
		{"an unknown column", "categories.csv", "code,name,religion\nf,火,x\n", "the column religion is unknown"},
		{"an empty name", "categories.csv", "code,name\nfire,\n", "categories.csv, line 2, column name: is empty"},
		{"a code twice", "categories.csv", "code,name\nfire,火\nfire,火\n", "line 3, column code: \"fire\" stands on line 2"},
		{"a code with a blank", "categories.csv", "code,name\na b,火\n", "column code"},
		{"no number", "care_needs.csv", "bit,code,name\nx,a,甲\n", "column bit: is not a whole number"},
		{"a bit too many", "care_needs.csv", "bit,code,name\n32,a,甲\n", "must be 0 to 31"},
		{"not UTF-8", "categories.csv", "code,name\nfire,\xbb\xf0\n", "is not UTF-8"},
		{"too few cells", "categories.csv", "code,name\nfire\n", "line 2"},
		{"an unknown zone", "deployment.csv", "name,name_en,zone\nx,x,Mars/Base\n", "column zone"},
		{"an unknown kind", "layers.csv", "code,kind,group,name,visible,min_zoom\nl,cloud,g,n,1,0\n", "column kind"},
		{"an unknown owner", "layers.csv", "code,kind,group,name,visible,min_zoom,department\nl,site,g,n,1,0,nobody\n", "column department: \"nobody\" is unknown"},
		{"a wrong filter", "layers.csv", "code,kind,group,name,visible,min_zoom,filter\nl,site,g,n,1,0,class = 'palace'\n", "column filter: filter: at character 9"},
		{"an item of no category", "items.csv", "code,category,name,level,deadline_hours\ni,nothing,n,2,24\n", "column category"},
		{"a level too many", "items.csv", "code,category,name,level,deadline_hours\ni,fire,n,5,24\n", "column level"},
	} {
		before := numbers(t, pool)
		read, err := Read(folder(c.file, c.text))
		if err == nil {
			err = put(t, pool, read)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want it to say %q", c.name, err, c.want)
		}
		if after := numbers(t, pool); after != before {
			t.Errorf("%s: something was written: %v, was %v", c.name, after, before)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("code,name\nfire,火\n")
	f.Add("\ufeffcode,name\n\"a\n")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := Read(folder("categories.csv", s))
		if err == nil {
			for _, r := range c.Categories {
				if r.Get("code") == "" || r.Get("name") == "" {
					t.Fatalf("%q was taken without a code or a name", s)
				}
			}
		}
	})
}
