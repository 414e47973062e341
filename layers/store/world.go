package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/pinyin"
	"onepicture/sql"
)

var (
	deploymentSQL  = sql.Text("store/deployment.sql")
	layersSQL      = sql.Text("store/layers.sql")
	classesSQL     = sql.Text("store/classes.sql")
	careNeedsSQL   = sql.Text("store/care_needs.sql")
	itemsSQL       = sql.Text("store/items.sql")
	departmentsSQL = sql.Text("store/departments.sql")
	sourcesSQL     = sql.Text("store/sources.sql")
	placesSQL      = sql.Text("store/places.sql")
	shapesSQL      = sql.Text("store/shapes.sql")
)

// ReadWorld reads deployment, catalogue and the places valid today. Boundaries are read only when shapes is set; the
// locator over 3,600 places of 60 vertices takes about a second to build.
func ReadWorld(ctx context.Context, q queryer, shapes bool) (*World, error) {
	w := &World{}
	var err error
	if w.Deployment, err = readDeployment(ctx, q); err != nil {
		return nil, err
	}
	today := w.Deployment.Today(time.Now())
	if w.Catalogue, err = readCatalogue(ctx, q, today); err != nil {
		return nil, err
	}
	if w.Sources, err = readSources(ctx, q); err != nil {
		return nil, err
	}
	if w.Tree, err = readTree(ctx, q, today); err != nil {
		return nil, err
	}
	if shapes {
		if w.Areas, err = readAreas(ctx, q, w.Tree, today); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func readDeployment(ctx context.Context, q queryer) (Deployment, error) {
	var d Deployment
	var zone string
	if err := q.QueryRow(ctx, deploymentSQL).Scan(&d.Name, &d.NameEn, &zone, &d.Synthetic); err != nil {
		return d, fmt.Errorf("read deployment: %w", err)
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return d, fmt.Errorf("read deployment: zone: %w", err)
	}
	d.Zone = loc
	return d, nil
}

func readCatalogue(ctx context.Context, q queryer, today time.Time) (*layers.Catalogue, error) {
	var c layers.Catalogue
	var err error
	c.Layers, err = collect(ctx, q, layersSQL, func(r pgx.CollectableRow) (l layers.Layer, err error) {
		err = r.Scan(&l.ID, &l.Code, &l.Kind, &l.Bit, &l.Group, &l.GroupEn, &l.Name, &l.NameEn, &l.Filter,
			&l.Color, &l.Shape, &l.MinZoom, &l.Visible, &l.Sort, &l.DepartmentID, &l.SourceID)
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("read layers: %w", err)
	}
	c.Classes, err = collect(ctx, q, classesSQL, func(r pgx.CollectableRow) (k layers.Class, err error) {
		err = r.Scan(&k.Kind, &k.ID, &k.Code, &k.Name, &k.NameEn, &k.Group, &k.Color, &k.Shape)
		return k, err
	})
	if err != nil {
		return nil, fmt.Errorf("read classes: %w", err)
	}
	c.CareNeeds, err = collect(ctx, q, careNeedsSQL, func(r pgx.CollectableRow) (n layers.CareNeed, err error) {
		err = r.Scan(&n.Bit, &n.Code, &n.Name, &n.NameEn)
		return n, err
	})
	if err != nil {
		return nil, fmt.Errorf("read care needs: %w", err)
	}
	c.Items, err = collect(ctx, q, itemsSQL, func(r pgx.CollectableRow) (i layers.Item, err error) {
		err = r.Scan(&i.ID, &i.Code, &i.Version, &i.Class, &i.Name, &i.NameEn, &i.DepartmentID, &i.Level,
			&i.DeadlineHours, &i.Steps, &i.Photos, &i.RoundClock, &i.LevelHours, &i.Subclass, &i.Object, &i.Duty, &i.Requires,
			&i.VerifyLevel, &i.DupMeters, &i.DupHours, &i.RepeatDays, &i.ValidFrom, &i.ValidTo)
		i.Idle, i.Pinyin = !i.ValidOn(today), pinyin.Of(i.Name)
		return i, err
	})
	if err != nil {
		return nil, fmt.Errorf("read items: %w", err)
	}
	c.Departments, err = collect(ctx, q, departmentsSQL, func(r pgx.CollectableRow) (d layers.Department, err error) {
		err = r.Scan(&d.ID, &d.Code, &d.Name, &d.NameEn)
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("read departments: %w", err)
	}
	return layers.NewCatalogue(c), nil
}

func readSources(ctx context.Context, q queryer) (map[int32]Source, error) {
	list, err := collect(ctx, q, sourcesSQL, func(r pgx.CollectableRow) (s Source, err error) {
		var cadence *int64
		if err := r.Scan(&s.ID, &s.Code, &s.Name, &s.NameEn, &s.DepartmentID, &s.Kind, &cadence, &s.LastAt, &s.Synthetic); err != nil {
			return s, err
		}
		if cadence != nil {
			s.Cadence = time.Duration(*cadence) * time.Second
		}
		return s, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read sources: %w", err)
	}
	out := make(map[int32]Source, len(list))
	for _, s := range list {
		out[s.ID] = s
	}
	return out, nil
}

func readTree(ctx context.Context, q queryer, today time.Time) (*layers.Tree, error) {
	places, err := collect(ctx, q, placesSQL, func(r pgx.CollectableRow) (p layers.Place, err error) {
		var label, box orb.Geometry
		if err := r.Scan(&p.ID, &p.Code, &p.Level, &p.Parent, &p.Name, &p.NameEn, &label, &box, &p.AreaM2); err != nil {
			return p, err
		}
		if point, ok := label.(orb.Point); ok && box != nil {
			p.Label, p.Bound, p.HasShape = point, box.Bound(), true
		}
		return p, nil
	}, today)
	if err != nil {
		return nil, fmt.Errorf("read places: %w", err)
	}
	return layers.NewTree(places), nil
}

func readAreas(ctx context.Context, q queryer, tree *layers.Tree, today time.Time) (*geo.Areas, error) {
	areas, err := collect(ctx, q, shapesSQL, func(r pgx.CollectableRow) (a geo.Area, err error) {
		if err := r.Scan(&a.ID, &a.Shape); err != nil {
			return a, err
		}
		if p := tree.Place(layers.PlaceID(a.ID)); p != nil {
			a.Rank, a.AreaM2, a.Code = int(p.Level), p.AreaM2, p.Code
		}
		return a, nil
	}, today)
	if err != nil {
		return nil, fmt.Errorf("read boundaries: %w", err)
	}
	return geo.NewAreas(areas), nil
}

func collect[T any](ctx context.Context, q queryer, text string, scan func(pgx.CollectableRow) (T, error), args ...any) ([]T, error) {
	rows, err := q.Query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}
