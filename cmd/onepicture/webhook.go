package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/layers/webhook"
)

type webhookCmds struct {
	List  webhookListCmd  `cmd:"" help:"List the webhooks, with what waits and what is dead."`
	In    webhookInCmd    `cmd:"" help:"Let a system report; prints its new secret."`
	Out   webhookOutCmd   `cmd:"" help:"Tell a system of events; prints its new secret."`
	Retry webhookRetryCmd `cmd:"" help:"Send dead messages again."`
}

// webhookFlags open the webhooks of a database.
type webhookFlags struct {
	dataFlags
	WebhookHosts []string `help:"Hosts that webhooks may go out to: name or name:port." env:"ONEPICTURE_WEBHOOK_HOSTS" placeholder:"HOST"`
}

func (f webhookFlags) with(ctx context.Context, do func(context.Context, *webhook.Hooks, layers.Scope) error) error {
	return withDatabase(ctx, f.dataFlags, "onepicture webhook", func(ctx context.Context, pool *pgxpool.Pool) error {
		keys, err := f.openKeys(ctx, pool, false)
		if err != nil {
			return err
		}
		return do(ctx, webhook.New(pool, ledger.New(pool), keys, f.WebhookHosts, time.Now), layers.Internal("console"))
	})
}

type webhookListCmd struct{ webhookFlags }

// Run prints one line a webhook.
func (c *webhookListCmd) Run(ctx context.Context) error {
	return c.with(ctx, func(ctx context.Context, h *webhook.Hooks, scope layers.Scope) error {
		list, err := h.List(ctx, scope)
		if err != nil {
			return err
		}
		out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(out, "way\tcode\tenabled\twaiting\tdead\twhat")
		for _, w := range list {
			fmt.Fprintf(out, "%s\t%s\t%t\t%d\t%d\t%s\n", w.Way, w.Code, w.Enabled, w.Waiting, w.Dead, w.Name+w.URL+" "+strings.Join(w.Types, ","))
		}
		return out.Flush()
	})
}

type webhookInCmd struct {
	webhookFlags
	Code    string `arg:"" help:"Its code, which is the last part of its address /api/hooks/CODE."`
	Name    string `help:"What it is called." required:""`
	Mapping string `help:"JSON file that says where a report's fields stand in its messages (docs/webhooks.md)." required:"" type:"existingfile"`
	Off     bool   `help:"Take nothing from it."`
}

// Run prints the secret, once.
func (c *webhookInCmd) Run(ctx context.Context) error {
	text, err := os.ReadFile(c.Mapping)
	if err != nil {
		return fmt.Errorf("read the mapping: %w", err)
	}
	in := webhook.In{Code: c.Code, Name: c.Name, Enabled: !c.Off}
	if err := json.Unmarshal(text, &in.Mapping); err != nil {
		return fmt.Errorf("read the mapping: %w", err)
	}
	return c.with(ctx, func(ctx context.Context, h *webhook.Hooks, scope layers.Scope) error {
		return printed(h.PutIn(ctx, scope, in))
	})
}

type webhookOutCmd struct {
	webhookFlags
	Code  string   `arg:"" help:"Its code."`
	URL   string   `help:"Where messages go." required:""`
	Types []string `help:"What it is told of." default:"event.reported,event.changed,event.closed"`
	Place string   `help:"Code of the place whose events it is told of; all when not given."`
	Off   bool     `help:"Tell it nothing."`
}

// Run prints the secret, once.
func (c *webhookOutCmd) Run(ctx context.Context) error {
	return c.with(ctx, func(ctx context.Context, h *webhook.Hooks, scope layers.Scope) error {
		return printed(h.PutOut(ctx, scope, webhook.Out{Code: c.Code, URL: c.URL, Types: c.Types, Place: c.Place, Enabled: !c.Off}))
	})
}

type webhookRetryCmd struct {
	webhookFlags
	Code string `arg:"" help:"Code of the webhook."`
}

// Run tells how many.
func (c *webhookRetryCmd) Run(ctx context.Context) error {
	return c.with(ctx, func(ctx context.Context, h *webhook.Hooks, scope layers.Scope) error {
		n, err := h.Retry(ctx, scope, c.Code)
		if err == nil {
			fmt.Println("messages that are sent again:", n)
		}
		return err
	})
}
