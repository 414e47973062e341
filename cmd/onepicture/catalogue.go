package main

import (
	"context"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers/catalogue"
	"onepicture/layers/ledger"
)

type catalogueCmd struct {
	dataFlags
	Folder string `arg:"" optional:"" help:"Folder of CSV files; the invented sample when not given." type:"existingdir"`
}

// Run puts a folder's departments, sources, classes, items and layers; what is there under the same codes is updated.
func (c *catalogueCmd) Run(ctx context.Context) error {
	read, err := catalogue.Sample()
	if c.Folder != "" {
		read, err = catalogue.Read(os.DirFS(c.Folder))
	}
	if err != nil {
		return err
	}
	return withDatabase(ctx, c.dataFlags, "onepicture catalogue", func(ctx context.Context, pool *pgxpool.Pool) error {
		_, err := ledger.New(pool).Write(ctx, ledger.Act{Actor: "catalogue", Reason: "catalogue from files"}, func(tx *ledger.Tx) error {
			return catalogue.Put(ctx, tx, read)
		})
		if err != nil {
			return err
		}
		fmt.Printf("catalogue: %d departments, %d sources, %d event categories, %d site classes, %d person classes, %d care needs, %d items, %d layers\n",
			len(read.Departments), len(read.Sources), len(read.Categories), len(read.SiteClasses), len(read.PersonClasses), len(read.CareNeeds),
			len(read.Items), len(read.Layers))
		return nil
	})
}
