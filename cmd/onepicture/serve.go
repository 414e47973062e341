package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/api"
	"onepicture/frontend"
	"onepicture/layers"
	"onepicture/layers/account"
	"onepicture/layers/alert"
	"onepicture/layers/audit"
	"onepicture/layers/cache"
	"onepicture/layers/catalogue"
	"onepicture/layers/citizen"
	"onepicture/layers/demo"
	"onepicture/layers/dispatch"
	"onepicture/layers/index"
	"onepicture/layers/ledger"
	"onepicture/layers/personal"
	"onepicture/layers/photo"
	"onepicture/layers/store"
	"onepicture/layers/tile"
	"onepicture/layers/webhook"
	"onepicture/sql"
)

var databaseSQL = sql.Text("store/database.sql")

type serveCmd struct {
	dataFlags
	cityFlags
	doorFlags
	providerFlags
	Demo       bool          `help:"Load the synthetic city into an empty database, and let new events trickle in." env:"ONEPICTURE_DEMO"`
	Trickle    time.Duration `help:"Pause between synthetic events while serving with --demo; 0 for none." default:"20s" env:"ONEPICTURE_TRICKLE"`
	Photos     string        `help:"Folder of the events' photos, shared by all servers of one database; without it, photos in the data folder." env:"ONEPICTURE_PHOTOS" type:"path" placeholder:"DIR"`
	CacheBytes uint64        `help:"Most bytes of tiles held in memory." default:"134217728" env:"ONEPICTURE_CACHE_BYTES"`

	WebhookHosts []string `help:"Hosts that webhooks may go out to: name or name:port." env:"ONEPICTURE_WEBHOOK_HOSTS" placeholder:"HOST"`
}

// Run serves until it is told to stop.
func (c *serveCmd) Run(ctx context.Context) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	door, err := c.door()
	if err != nil {
		return err
	}
	provider, err := c.provider()
	if err != nil {
		return err
	}
	listener, err := c.listen(door)
	if err != nil {
		return err
	}
	defer listener.Close()
	s, err := openServices(ctx, c.dataFlags, true, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	feed, err := s.openDatabase(ctx, "onepicture feed")
	if err != nil {
		return err
	}
	defer feed.Close()
	if c.Demo {
		if err := c.loadCity(ctx, feed, c.options()); err != nil {
			return err
		}
		if err := account.New(feed, ledger.New(feed), account.Options{}).PutDemo(ctx); err != nil {
			return err
		}
		if err := demo.Bind(ctx, feed); err != nil {
			return err
		}
	}
	keys, err := c.openKeys(ctx, feed, c.Demo)
	if err != nil {
		return err
	}
	// A disk that stalls holds up writers, each with its connection: it leaves those of readers free.
	o := sql.Serving("onepicture serve")
	o.MaxConns = 12
	pool, err := sql.Open(ctx, s.databaseURL, o)
	if err != nil {
		return err
	}
	defer pool.Close()
	o.Name, o.MaxConns = "onepicture writes", 8
	writes, err := sql.Open(ctx, s.databaseURL, o)
	if err != nil {
		return err
	}
	defer writes.Close()
	deeds, end, err := c.openAudit(ctx, s.databaseURL, keys)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	// Streams that come back read the ledger as the server does that follows it, and tell what their scopes may know.
	o.Name, o.MaxConns, o.Role = "onepicture streams", 4, ""
	streams, err := sql.Open(ctx, s.databaseURL, o)
	if err != nil {
		return err
	}
	defer streams.Close()
	// Requests may not read what accounts are made of; this alone may.
	o.Name, o.MaxConns = "onepicture accounts", 8
	secrets, err := sql.Open(ctx, s.databaseURL, o)
	if err != nil {
		return err
	}
	defer secrets.Close()
	return c.serve(ctx, listener, entrance{door, provider}, pools{feed, pool, writes, streams, secrets}, s.redisURL, keys, deeds)
}

// pools are connections to the one database: of the feed, without time-outs; of requests that read and of those that write,
// with few rights; of streams that resume; and of accounts.
type pools struct{ feed, serve, writes, streams, secrets *pgxpool.Pool }

// entrance is how people come in.
type entrance struct {
	api.Door
	provider *account.Provider
}

// serve keeps the index fed and answers requests.
func (c *serveCmd) serve(ctx context.Context, listener net.Listener, door entrance, p pools, redisURL string, keys *personal.Keys, deeds *audit.Log) error {
	feed, pool, streams, writes := p.feed, p.serve, p.streams, ledger.New(p.writes)
	redis, err := cache.OpenRedis(redisURL)
	if err != nil {
		return err
	}
	defer redis.Close()
	prefix, err := cachePrefix(ctx, feed)
	if err != nil {
		return err
	}
	tiles, err := cache.New(cache.Options{Bytes: c.CacheBytes, Redis: redis, Prefix: prefix})
	if err != nil {
		return err
	}
	defer tiles.Close()
	files, err := frontend.Files()
	if err != nil {
		return err
	}
	st := store.New(feed, ledger.New(feed), index.New())
	st.ReadThrough(pool)
	album, err := photo.Open(photo.Options{
		Dir: cmp.Or(c.Photos, filepath.Join(c.Data, "photos")), Pool: pool, Owner: feed, Ledger: writes, Picture: st,
	})
	if err != nil {
		return err
	}
	defer album.Close()
	desk := dispatch.New(pool, writes, st, time.Now)
	accounts := account.New(p.secrets, ledger.New(p.secrets), account.Options{Demo: c.Demo, TriesKey: keys.TriesKey(), Tree: func() *layers.Tree {
		if w := st.World(); w != nil {
			return w.Tree
		}
		return nil
	}})
	link, err := c.firstAccount(ctx, accounts)
	if err != nil {
		return err
	}
	hooks := webhook.New(feed, ledger.New(feed), keys, c.WebhookHosts, time.Now)
	estimate, tests := openRisk(feed, st)
	server, err := api.New(api.Options{
		Store: st, Desk: desk, Changes: ledger.New(streams), Tiles: tile.NewBuilder(st, st.Catalogue), Cache: tiles, Imports: imports{pool},
		Audit: deeds, People: personal.NewPeople(pool, keys), Postgres: pool, Files: files, Version: version,
		Photos:   album,
		Alerts:   alert.New(pool, writes),
		Accounts: accounts, Provider: door.provider, Door: door.Door, Risk: estimate, Backtests: tests,
		Items: catalogue.NewKeeper(pool, writes), Citizens: citizen.New(pool, writes, ledger.New(feed), keys, time.Now), Webhooks: hooks,
		Key: func(ctx context.Context, key string) (layers.Scope, error) {
			_, scope, err := accounts.OpenKey(ctx, key)
			return scope, err
		},
	})
	if err != nil {
		return err
	}
	return c.keepRunning(ctx, &works{
		listener: listener, server: server, deeds: deeds, store: st, desk: desk, accounts: accounts, hooks: hooks, estimate: estimate,
		tests: tests, album: album, keys: keys, feed: feed, secure: door.Secure, link: link,
	})
}

// cachePrefix names the database: positions of two databases on one Redis must not be taken for each other.
func cachePrefix(ctx context.Context, pool *pgxpool.Pool) (string, error) {
	var id string
	if err := pool.QueryRow(ctx, databaseSQL).Scan(&id); err != nil {
		return "", fmt.Errorf("read the database's identity: %w", err)
	}
	return "onepicture:" + id + ":", nil
}

// keepFed loads the index and follows; while the database is away at the start it tries again.
func keepFed(ctx context.Context, st *store.Store, sink func(store.Applied)) error {
	for {
		err := st.Run(ctx, sink)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, ledger.ErrForeignPositions) || st.Index().Snapshot() != nil {
			return err
		}
		slog.Error("the index could not be loaded; trying again", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(2 * time.Second):
		}
	}
}

// firstAccount gives the token of the first administrator's link when nobody can sign in yet; "" otherwise.
func (c *serveCmd) firstAccount(ctx context.Context, accounts *account.Accounts) (account.Token, error) {
	if c.Demo {
		return "", nil
	}
	return accounts.First(ctx)
}

// announce prints the address and how to sign in when the picture is complete.
func (c *serveCmd) announce(ctx context.Context, st *store.Store, secure bool, addr net.Addr, link account.Token) {
	began := time.Now()
	for st.Index().Snapshot() == nil {
		changed := st.Index().Changed()
		if st.Index().Snapshot() != nil {
			break
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
	address := "http://" + addr.String()
	if secure {
		address = "https://" + addr.String()
	}
	fmt.Printf("\n  onepicture is ready (index loaded in %s):\n\n    %s/\n\n", time.Since(began).Round(time.Millisecond), address)
	switch {
	case c.Demo:
		fmt.Printf("  Sample accounts, all with the password %s: the sign-in page lists them. Stop with Ctrl-C.\n\n", account.DemoPassword)
	case link != "":
		fmt.Printf("  There is no account yet. This link makes you the administrator, once, within %d hours:\n\n    %s/sign-in#link=%s\n\n",
			int(account.LinkTime.Hours()), address, link)
	}
}
