package intake

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onepicture/layers/personal"
)

const sealedPeople = `kind = "person"
datum = "WGS84"
key = ["no"]
[source]
code = "residents"
name = "常住人口"
[location]
x = "lon"
y = "lat"
[fields]
name = {column = "name"}
idNumber = {column = "no"}
phone = {column = "phone"}
address = {column = "home"}
class = {const = "registered"}
`

// secrets are planted values that must be found nowhere but in the file and, sealed, in their columns.
var secrets = []string{"金大侠", "110105194912310021", "13912345678", "桃花岛一号岛主房"}

func secretsCSV(phone string) string {
	return "no,name,phone,home,lon,lat\n" + secrets[1] + "," + secrets[0] + "," + phone + "," + secrets[3] + ",113.5,23.0\n" +
		"110105194912310038,,,,113.6,23.0\n" +
		secrets[1] + "x," + secrets[0] + ",notanumber," + secrets[3] + ",1135,23.0\n"
}

// What an import puts is sealed: nothing in any table, nor in the report of rejected rows, is a planted value; and it
// opens as what was delivered.
func TestWhatIsPersonalIsSealed(t *testing.T) {
	b := newBench(t)
	m := b.mapping(sealedPeople)
	s := b.run(m, b.file("people.csv", secretsCSV(secrets[2])))
	if f := s.Files[0]; f.Put != 2 || f.Rejected != 1 {
		t.Fatalf("%+v", f)
	}
	b.noSecrets()
	key := b.deps.Keys.RowKey(secrets[1])
	var id, number, phone, seal int64
	var sealed [4][]byte
	err := b.pool.QueryRow(t.Context(), `select id, name, id_number, phone, home, id_number_index, phone_index, seal from person where key = $1`, key).
		Scan(&id, &sealed[0], &sealed[1], &sealed[2], &sealed[3], &number, &phone, &seal)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []personal.Column{personal.Name, personal.IDNumber, personal.Phone, personal.Home} {
		if got, err := b.deps.Keys.Open(c, id, sealed[i]); err != nil || got != secrets[i] {
			t.Errorf("%s: %q %v", c, got, err)
		}
	}
	if number != b.deps.Keys.Index(personal.IDNumber, secrets[1]) || phone != b.deps.Keys.Index(personal.Phone, "+86"+secrets[2]) || seal != b.deps.Keys.Primary() {
		t.Errorf("index %d %d, seal %d", number, phone, seal)
	}
	b.is("true", "select bool_and(name is null and phone_index is null and seal is not null) from person where key <> $1", key)

	again := b.run(m, b.file("again.csv", secretsCSV(secrets[2])))
	if f := again.Files[0]; f.Unchanged != 2 || f.Put != 0 {
		t.Errorf("again: %+v", f)
	}
	changed := b.run(m, b.file("changed.csv", secretsCSV("13912345679")))
	if f := changed.Files[0]; f.Unchanged != 1 || f.Changed != 1 {
		t.Errorf("with another phone: %+v", f)
	}
	b.is("true", "select phone_index = $2 from person where key = $1", key, b.deps.Keys.Index(personal.Phone, "13912345679"))
	if got := b.name(key); got != secrets[0] {
		t.Errorf("after the update: %q", got)
	}
	b.noSecrets()
}

// noSecrets looks for the planted values in every table and in the reports.
func (b *bench) noSecrets() {
	b.t.Helper()
	for _, table := range strings.Fields(b.value("select string_agg(relname, ' ') from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace")) {
		text := b.value("select coalesce(string_agg(t::text, ' '), '') from " + table + " t")
		for _, v := range secrets {
			if strings.Contains(text, v) || strings.Contains(text, strings.ToLower(hexOf(v))) {
				b.t.Errorf("%s holds %s", table, v)
			}
		}
	}
	reports, err := filepath.Glob(filepath.Join(b.dir, "*.rejected.csv"))
	if err != nil || len(reports) == 0 {
		b.t.Fatal("no report", err)
	}
	for _, path := range reports {
		text, err := os.ReadFile(path)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, v := range secrets {
			if bytes.Contains(text, []byte(v)) {
				b.t.Errorf("%s holds %s", filepath.Base(path), v)
			}
		}
	}
}

func hexOf(s string) string {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 2*len(s))
	for i := range len(s) {
		out = append(out, digits[s[i]>>4], digits[s[i]&15])
	}
	return string(out)
}

// The digests of rows tell nothing to who has no key: with other keys the same file gives other ones.
func TestDigestsAreKeyed(t *testing.T) {
	b := newBench(t)
	b.run(b.mapping(sealedPeople), b.file("people.csv", secretsCSV(secrets[2])))
	one := b.value("select string_agg(key || encode(hash, 'hex'), ' ' order by id) from person")
	if _, err := b.pool.Exec(context.Background(), "delete from person"); err != nil {
		t.Fatal(err)
	}
	keys, err := personal.New()
	if err != nil {
		t.Fatal(err)
	}
	b.deps.Keys = keys
	b.run(b.mapping(sealedPeople), b.file("people.csv", secretsCSV(secrets[2])))
	two := b.value("select string_agg(key || encode(hash, 'hex'), ' ' order by id) from person")
	for _, part := range strings.Fields(one) {
		if strings.Contains(two, part) {
			t.Errorf("the same digest under two keys: %s", part)
		}
	}
}

// How to reach an event's reporter is sealed as well.
func TestReporterIsSealed(t *testing.T) {
	b := newBench(t)
	text := strings.Replace(eventMapping, "[fields]", "[fields]\nreporter = {column = \"who\"}", 1)
	text = strings.Replace(text, "%s", "WGS84", 1)
	s := b.run(b.mapping(text), b.file("e.csv", "id,title,item,category,status,at,closed,x,y,who\n"+
		"1,a,Sa-001,,report,2023-07-01 12:00,,113.5,23.0,"+secrets[0]+secrets[2]+"\n2,b,Sa-001,,report,2023-07-01 12:00,,113.5,23.0,\n3,c,Sa-001,,report,x,,1,1,"+secrets[0]+"\n"))
	if s.Files[0].Put != 2 {
		t.Fatalf("%+v", s.Files[0])
	}
	b.noSecrets()
	var id int64
	var sealed []byte
	if err := b.pool.QueryRow(t.Context(), "select id, reporter from event where key = '1' and seal is not null").Scan(&id, &sealed); err != nil {
		t.Fatal(err)
	}
	if got, err := b.deps.Keys.Open(personal.Reporter, id, sealed); err != nil || got != secrets[0]+secrets[2] {
		t.Errorf("%q %v", got, err)
	}
	b.is("true", "select reporter is null and seal is null from event where key = '2'")
}
