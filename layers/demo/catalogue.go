// Package demo fills a database with an invented city and its sample catalogues, and lets new events trickle in while
// the server runs. Everything bears the mark "synthetic".
package demo

import (
	"embed"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"onepicture/layers/demo/city"
)

//go:embed catalogue/*.csv
var files embed.FS

// row is one line of a catalogue file by column name.
type row map[string]string

func read(name string) ([]row, error) {
	f, err := files.Open("catalogue/" + name + ".csv")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("catalogue %s: %w", name, err)
	}
	var out []row
	for _, line := range lines[1:] {
		r := row{}
		for i, v := range line {
			r[lines[0][i]] = v
		}
		out = append(out, r)
	}
	return out, nil
}

// catalogue are the sample files, read.
type catalogue struct {
	departments, sources, categories, siteClasses, personClasses, careNeeds, items, layers []row
}

func readCatalogue() (*catalogue, error) {
	c := &catalogue{}
	for name, to := range map[string]*[]row{
		"departments": &c.departments, "sources": &c.sources, "categories": &c.categories,
		"site_classes": &c.siteClasses, "person_classes": &c.personClasses, "care_needs": &c.careNeeds,
		"items": &c.items, "layers": &c.layers,
	} {
		list, err := read(name)
		if err != nil {
			return nil, err
		}
		*to = list
	}
	return c, nil
}

func number(s string) int {
	n, _ := strconv.Atoi(s) // the files are ours; a test reads every number
	return n
}

// cityItems are the items as the generator wants them.
func (c *catalogue) cityItems() []city.Item {
	at := map[string]int{}
	for i, r := range c.categories {
		at[r["code"]] = i
	}
	out := make([]city.Item, len(c.items))
	for i, r := range c.items {
		out[i] = city.Item{Category: at[r["category"]], Name: r["name"], Level: int16(number(r["level"])), DeadlineHours: number(r["deadline_hours"])}
	}
	return out
}

func (c *catalogue) citySiteClasses() []city.SiteClass {
	out := make([]city.SiteClass, len(c.siteClasses))
	for i, r := range c.siteClasses {
		out[i] = city.SiteClass{Code: r["code"], Name: r["name"], Group: r["group"], Rate: float64(number(r["rate"]))}
	}
	return out
}

func steps(s string) []string { return strings.Split(s, "；") }
