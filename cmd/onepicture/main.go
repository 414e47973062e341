// Command onepicture serves the situation map of a city's communities, and keeps its data.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the build.
var version = "dev"

// cli is what can be asked for. Each flag also stands in the environment; secrets also in a file named by NAME_FILE.
type cli struct {
	Serve     serveCmd     `cmd:"" help:"Serve the map, with a private PostgreSQL and Redis unless others are named."`
	Import    importCmd    `cmd:"" help:"Import places, people, sites or events from files through a mapping, or alerts as they come."`
	Catalogue catalogueCmd `cmd:"" help:"Put departments, sources, classes, event items and layers from a folder of CSV files."`

	Items     itemsCmd     `cmd:"" help:"Bring items of the event catalogue in from XLSX or CSV, or write them out."`
	Audit     auditCmd     `cmd:"" help:"Verify and export the record of who saw and did what."`
	Account   accountCmd   `cmd:"" help:"Manage accounts, grants and service keys on the database itself."`
	Webhook   webhookCmds  `cmd:"" help:"Let other systems report by webhook, and tell them of events."`
	Key       keyCmd       `cmd:"" help:"Make and rotate the keys by which what is personal is sealed."`
	Demo      demoCmd      `cmd:"" help:"Fill an empty database with the synthetic city."`
	Migrate   migrateCmd   `cmd:"" help:"Bring the database's schema to this program's version."`
	Check     checkCmd     `cmd:"" help:"Compare the index with counts made by SQL."`
	Risk      riskCmds     `cmd:"" help:"Risk of places: hold the models against what came."`
	Bench     benchCmds    `cmd:"" help:"Measure this server, alone and under load, on the synthetic city."`
	OpenAPI   openapiCmd   `cmd:"" name:"openapi" help:"Print the API's OpenAPI 3.1 document."`
	Version   versionCmd   `cmd:"" help:"Print the version."`
	Retention retentionCmd `cmd:"" help:"Forget what is kept for longer than its rule says; a running server does it every day."`
}

// dataFlags say where the data is.
type dataFlags struct {
	Data        string `help:"Folder of the private PostgreSQL and Redis." default:"data" env:"ONEPICTURE_DATA" type:"path"`
	DatabaseURL string `help:"Use this PostgreSQL instead of a private one (also DATABASE_URL_FILE)." env:"DATABASE_URL" placeholder:"URL"`
	RedisURL    string `help:"Use this Redis instead of a private one (also REDIS_URL_FILE)." env:"REDIS_URL" placeholder:"URL"`
	Keys        string `help:"File of the keys by which what is personal is sealed; a private database has keys.json in its folder." env:"ONEPICTURE_KEYS" type:"path" placeholder:"FILE"`
}

func main() {
	if err := secretsFromFiles("DATABASE_URL", "REDIS_URL", "ONEPICTURE_OIDC_SECRET"); err != nil {
		fail(err)
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c cli
	k := kong.Parse(&c, kong.Name("onepicture"),
		kong.Description("The open situation map of a city's communities."), kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err := k.Run(); err != nil && !(errors.Is(err, context.Canceled) && ctx.Err() != nil) {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "onepicture:", err)
	os.Exit(1)
}

// secretsFromFiles takes NAME from the file that NAME_FILE names, as container secrets come.
func secretsFromFiles(names ...string) error {
	for _, name := range names {
		path := os.Getenv(name + "_FILE")
		if path == "" {
			continue
		}
		if os.Getenv(name) != "" {
			return fmt.Errorf("both %s and %s_FILE are set: leave one of them out", name, name)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("%s_FILE: %w", name, err)
		}
		if err := os.Setenv(name, strings.TrimSpace(string(b))); err != nil {
			return fmt.Errorf("%s_FILE: %w", name, err)
		}
	}
	return nil
}

type versionCmd struct{}

// Run prints it.
func (versionCmd) Run() error {
	_, err := fmt.Println("onepicture", version)
	return err
}
