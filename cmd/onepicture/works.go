package main

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"onepicture/api"
	"onepicture/layers/account"
	"onepicture/layers/audit"
	"onepicture/layers/demo"
	"onepicture/layers/dispatch"
	"onepicture/layers/personal"
	"onepicture/layers/photo"
	"onepicture/layers/risk"
	"onepicture/layers/store"
	"onepicture/layers/webhook"
)

// works are the parts of a server that do something by themselves.
type works struct {
	listener net.Listener
	server   *api.Server
	deeds    *audit.Log
	store    *store.Store
	desk     *dispatch.Desk
	accounts *account.Accounts
	hooks    *webhook.Hooks
	estimate *risk.Live
	tests    *risk.Backtests
	album    *photo.Album
	keys     *personal.Keys
	feed     *pgxpool.Pool
	secure   bool
	link     account.Token // of the first account; empty: there are some
}

// keepRunning answers requests and does what goes on beside them, until ctx ends or one of them cannot go on.
func (c *serveCmd) keepRunning(ctx context.Context, w *works) error {
	g, ctx := errgroup.WithContext(ctx)
	recording, stopRecording := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRecording()
	g.Go(func() error { return w.deeds.Run(recording) })
	g.Go(func() error {
		defer stopRecording() // after the last answer
		return w.server.Serve(ctx, w.listener)
	})
	g.Go(func() error {
		return keepFed(ctx, w.store, func(a store.Applied) {
			w.server.Publish(a)
			w.estimate.Publish(riskUpdate(a))
		})
	})
	for _, work := range append(w.always(), c.inDemo(w)...) {
		g.Go(func() error {
			work(ctx)
			return nil
		})
	}
	g.Go(func() error {
		c.announce(ctx, w.store, w.secure, w.listener.Addr(), w.link)
		giveRoom() // now that all is loaded
		return nil
	})
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// always are works that tell what fails and go on.
func (w *works) always() []func(context.Context) {
	told := func(what string) func(error) {
		return func(err error) { slog.Error(what, "error", err) }
	}
	return []func(context.Context){
		w.desk.KeepClock,
		w.accounts.Run,
		func(ctx context.Context) {
			w.estimate.Run(ctx, told("the estimate of risk does not go on; trying again"))
		},
		func(ctx context.Context) { w.tests.Serve(ctx, told("a back-test failed")) },
		func(ctx context.Context) { w.hooks.Run(ctx, w.store) },
		func(ctx context.Context) { keepForgetting(ctx, w.deeds, w.feed) },
		func(ctx context.Context) {
			w.keys.KeepSealed(ctx, w.feed, time.Hour, told("sealing does not go on; trying again"))
		},
		func(ctx context.Context) {
			w.album.KeepSwept(ctx, time.Hour, told("photos are not swept; trying again"))
		},
	}
}

// inDemo are the works of the invented city. They must not end the server.
func (c *serveCmd) inDemo(w *works) (out []func(context.Context)) {
	if !c.Demo {
		return nil
	}
	out = append(out, func(ctx context.Context) {
		if err := demo.KeepPresent(ctx, w.feed, 5*time.Minute); err != nil && ctx.Err() == nil {
			slog.Error("the invented workers are no longer present", "error", err)
		}
	})
	if c.Trickle > 0 {
		out = append(out, func(ctx context.Context) {
			if err := trickle(ctx, w.desk, c.options(), c.Trickle); err != nil && ctx.Err() == nil {
				slog.Error("no more synthetic events", "error", err)
			}
		})
	}
	return out
}
