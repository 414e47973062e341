package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/cmd/onepicture/bench"
	"onepicture/cmd/onepicture/bench/load"
	"onepicture/layers/account"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

// benchCmds are the measurements.
type benchCmds struct {
	Table   benchCmd   `cmd:"" default:"withargs" help:"Measure this server beside PostGIS and bare Gin on the synthetic city."`
	Load    loadCmd    `cmd:"" help:"Put servers under a mixed load of tiles, questions and reports, and check that nothing is lost."`
	Streams streamsCmd `cmd:"" help:"Measure how long a report takes until another server's streams and tiles show it."`
}

// underLoad is what both measurements of whole servers share.
type underLoad struct {
	dataFlags
	cityFlags
	Seed0  uint64 `name:"load-seed" help:"Seed of what the clients do." default:"1"`
	Logs   string `help:"Folder for the servers' logs; default: a temporary one, removed unless something fails." type:"path" placeholder:"DIR"`
	Cookie string `help:"Cookie that each request carries, for servers that want a session." env:"ONEPICTURE_BENCH_COOKIE" placeholder:"NAME=VALUE"`
	Write  string `help:"Append the report to this file." type:"path" placeholder:"FILE"`
	Title  string `help:"Heading of the report." default:"" placeholder:"TEXT"`
}

type loadCmd struct {
	underLoad
	Minutes         float64         `help:"How long." default:"30"`
	Clients         int             `help:"Clients, each with a connection of its own." default:"1000"`
	Think           time.Duration   `help:"Mean pause of a client between two steps: a view of tiles, a question or a report." default:"12s"`
	Servers         int             `help:"Servers on the one database." default:"1"`
	KillRedisAt     []time.Duration `help:"Kill the private Redis so long after the start." placeholder:"TIME"`
	RestartPostgres []time.Duration `name:"restart-postgres-at" help:"Restart the private PostgreSQL so long after the start." placeholder:"TIME"`
	KillPostgresAt  []time.Duration `help:"Kill the private PostgreSQL so long after the start." placeholder:"TIME"`
}

// Run fills the database when it is empty, starts the services and the servers, and prints what the clients saw.
func (c *loadCmd) Run(ctx context.Context) error {
	if c.Minutes <= 0 || c.Clients < 1 || c.Servers < 1 {
		return errors.New("--minutes, --clients and --servers must be more than 0")
	}
	return c.with(ctx, func(o load.Options) error {
		o.Span, o.Clients, o.Think, o.Servers = time.Duration(c.Minutes*float64(time.Minute)), c.Clients, c.Think, c.Servers
		for _, at := range c.KillRedisAt {
			o.Faults = append(o.Faults, load.KillRedis(at))
		}
		for _, at := range c.RestartPostgres {
			o.Faults = append(o.Faults, load.RestartPostgres(at))
		}
		for _, at := range c.KillPostgresAt {
			o.Faults = append(o.Faults, load.KillPostgres(at))
		}
		report, err := load.Mixed(ctx, o)
		if report == nil {
			return err
		}
		return errors.Join(err, c.print(ctx, report))
	})
}

// printer is a report.
type printer interface{ Markdown(w io.Writer) error }

// with runs a measurement on the services and a city.
func (c *underLoad) with(ctx context.Context, measure func(load.Options) error) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	logs := c.Logs
	if logs != "" {
		if err := os.MkdirAll(logs, 0o755); err != nil {
			return fmt.Errorf("make the folder for logs: %w", err)
		}
	} else {
		if logs, err = os.MkdirTemp("", "onepicture-load"); err != nil {
			return fmt.Errorf("make a folder for logs: %w", err)
		}
		defer func() {
			if err == nil {
				err = os.RemoveAll(logs)
			}
		}()
	}
	slog.SetLogLoggerLevel(slog.LevelWarn)
	s, err := openServices(ctx, c.dataFlags, true, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	pool, err := s.openDatabase(ctx, "onepicture bench")
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := c.fill(ctx, pool); err != nil {
		return err
	}
	if _, err := c.openKeys(ctx, pool, true); err != nil {
		return err
	}
	// The servers that are started have the keys, and keep photos and the audit's heads beside the database that these belong to.
	if err := errors.Join(os.Setenv("ONEPICTURE_KEYS", c.keyPath()), os.Setenv("ONEPICTURE_DATA", c.Data)); err != nil {
		return fmt.Errorf("name the servers' folder: %w", err)
	}
	if c.Cookie == "" {
		if c.Cookie, err = bench.Session(ctx, account.New(pool, ledger.New(pool), account.Options{})); err != nil {
			return err
		}
	}
	o := load.Options{
		Program: program, DatabaseURL: s.databaseURL, RedisURL: s.redisURL, Logs: logs, Cookie: c.Cookie, Pool: pool,
		Progress: os.Stderr, Seed: c.Seed0,
	}
	if c.DatabaseURL == "" && c.RedisURL == "" {
		o.Data = c.Data
	}
	return measure(o)
}

// fill loads the synthetic city into an empty database; whatever city is there is taken as it is.
func (c *underLoad) fill(ctx context.Context, pool *pgxpool.Pool) error {
	var empty bool
	if err := pool.QueryRow(ctx, emptySQL).Scan(&empty); err != nil {
		return fmt.Errorf("look for a city: %w", err)
	}
	if !empty {
		return nil
	}
	if err := c.loadCity(ctx, pool, c.options()); err != nil {
		return err
	}
	_, err := pool.Exec(ctx, "vacuum (analyze) person, site, event")
	if err != nil {
		return fmt.Errorf("analyse: %w", err)
	}
	return nil
}

var emptySQL = sql.Text("load/empty.sql")

func machine() string {
	return fmt.Sprintf("%d cores, %s, %s of memory", runtime.NumCPU(), field("/proc/cpuinfo", "model name"), field("/proc/meminfo", "MemTotal"))
}

// print writes the report to the output, and to the file that was named.
func (c *underLoad) print(ctx context.Context, r printer) error {
	var out bytes.Buffer
	title := c.Title
	if title == "" {
		title = "Load of " + time.Now().Format(time.DateOnly)
	}
	commit := version
	if b, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output(); err == nil {
		commit = strings.TrimSpace(string(b))
	}
	fmt.Fprintf(&out, "## %s\n\n%s, commit %s; %s\n\n", title, time.Now().UTC().Format(time.RFC3339), commit, machine())
	if err := r.Markdown(&out); err != nil {
		return err
	}
	fmt.Print(out.String())
	if c.Write == "" {
		return nil
	}
	f, err := os.OpenFile(c.Write, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	_, err = fmt.Fprintf(f, "\n%s", out.Bytes())
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

type streamsCmd struct {
	underLoad
	Steps   []string      `help:"Reports a second and open streams, as RATExSTREAMS, one step after another." default:"100x1000,250x2500,500x1000,500x5000" placeholder:"STEP"`
	For     time.Duration `help:"How long each step is measured." default:"60s"`
	Writers int           `help:"Connections that send the reports." default:"64"`
	Servers int           `help:"Servers on the one database; each gets its part of reports and streams." default:"2"`
	Phones  int           `help:"Further streams that lose their network in the middle of each step, all at once, and come back within the same 2 s." default:"0"`
}

// Run fills the database when it is empty, starts services and servers, and prints what each step took.
func (c *streamsCmd) Run(ctx context.Context) error {
	if c.Servers < 1 || c.Writers < 1 || c.For <= 0 || c.Phones < 0 {
		return errors.New("--servers, --writers and --for must be more than 0, --phones not less")
	}
	var steps []load.Step
	for _, text := range c.Steps {
		step, err := load.ParseStep(text)
		if err != nil {
			return fmt.Errorf("--steps: %w", err)
		}
		steps = append(steps, step)
	}
	return c.with(ctx, func(o load.Options) error {
		o.Span, o.Servers, o.Writers, o.Steps, o.Phones = c.For, c.Servers, c.Writers, steps, c.Phones
		report, err := load.Streamed(ctx, o)
		if report == nil {
			return err
		}
		return errors.Join(err, c.print(ctx, report))
	})
}
