package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/cmd/onepicture/bench"
)

type benchCmd struct {
	dataFlags
	cityFlags
	Only  []string `help:"Measure these rows only, such as 1,2,4." placeholder:"ROW"`
	Write string   `help:"Write the table to this file, with machine, commit and command." type:"path" placeholder:"FILE"`
	CPU   string   `help:"Write a processor profile of the measurements to this file." type:"path" placeholder:"FILE"`
}

// Run loads the city when it is not there yet, measures, and prints a row as soon as it is there.
func (c *benchCmd) Run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	quiet, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", os.DevNull, err)
	}
	defer quiet.Close()
	slog.SetDefault(slog.New(slog.NewTextHandler(quiet, nil))) // a line a request is written as ever, but not shown
	return withDatabase(ctx, c.dataFlags, "onepicture bench", func(ctx context.Context, pool *pgxpool.Pool) error {
		if err := c.loadCity(ctx, pool, c.options()); err != nil {
			return err
		}
		if _, err := pool.Exec(ctx, "vacuum (analyze) person, site, event"); err != nil {
			return fmt.Errorf("analyse: %w", err)
		}
		stop, err := profiled(c.CPU)
		if err != nil {
			return err
		}
		defer stop()
		rows, err := bench.Run(ctx, pool, bench.Options{Only: c.Only, Report: func(r bench.Row) {
			_ = bench.Markdown(os.Stderr, []bench.Row{r}) // to be seen at once, and kept if the rest fails
		}})
		if err != nil {
			return err
		}
		var table bytes.Buffer
		if err := bench.Markdown(&table, rows); err != nil {
			return err
		}
		fmt.Print(table.String())
		if c.Write == "" {
			return nil
		}
		if err := os.WriteFile(c.Write, []byte(c.page(ctx)+table.String()), 0o644); err != nil {
			return fmt.Errorf("write the table: %w", err)
		}
		return nil
	})
}

// page is what stands above the table: how the numbers came about.
func (c *benchCmd) page(ctx context.Context) string {
	commit := version
	if b, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output(); err == nil {
		commit = strings.TrimSpace(string(b))
	}
	return fmt.Sprintf("# Numbers\n\nMeasured in one run by `onepicture bench --people %d`, which checks every count against SQL's while it measures.\n\n"+
		"- date: %s\n- commit: %s\n- machine: %d cores, %s, %s of memory\n- city: %s people, a tenth of them sites, half of them events\n\n",
		c.People, time.Now().Format(time.DateOnly), commit, runtime.NumCPU(), field("/proc/cpuinfo", "model name"), field("/proc/meminfo", "MemTotal"), grouped(int64(c.People)))
}

// field is the first value of a name in one of the kernel's files.
func field(path, name string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "unknown " + name
	}
	for line := range strings.Lines(string(b)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown " + name
}

// profiled writes a processor profile until stop; without a file it does nothing.
func profiled(file string) (stop func(), err error) {
	if file == "" {
		return func() {}, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, fmt.Errorf("write profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, fmt.Errorf("write profile: %w", err)
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close() // what is missing shows when it is read
	}, nil
}
