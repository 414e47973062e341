package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// OpenRedis makes a client without connecting yet:
//
//	unix:///run/redis.sock                          one server on a socket
//	redis://user:password@host:6379/0               one server; rediss:// with TLS
//	redis+sentinel://host:26379/0?master_name=m&addr=host2:26379
//	redis+cluster://host:6379?addr=host2:6379
//
// Options of the client may follow as parameters (pool_size=20). The caller closes the client.
func OpenRedis(address string) (redis.UniversalClient, error) {
	quiet.Do(func() { redis.SetLogger(logger{}) })
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("Redis URL: it cannot be read (its text is not shown: it may hold a password)")
	}
	// A cache that is slow is worse than none: no repeats, and the caller's deadline counts.
	const dial = time.Second
	off := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled} // servers before 8 do not know it
	plain := func(scheme string) string { return strings.Replace(address, u.Scheme, scheme, 1) }
	switch u.Scheme {
	case "redis", "rediss", "unix":
		o, err := redis.ParseURL(address)
		if err != nil {
			return nil, unreadable(err)
		}
		o.MaintNotificationsConfig, o.ContextTimeoutEnabled, o.DialTimeout, o.MaxRetries, o.DialerRetries = off, true, dial, -1, 1
		return redis.NewClient(o), nil
	case "redis+sentinel", "rediss+sentinel":
		o, err := redis.ParseFailoverURL(plain(strings.TrimSuffix(u.Scheme, "+sentinel")))
		if err != nil {
			return nil, unreadable(err)
		}
		if o.MasterName == "" {
			return nil, errors.New("Redis URL: a sentinel needs ?master_name=")
		}
		o.ContextTimeoutEnabled, o.DialTimeout, o.MaxRetries, o.DialerRetries = true, dial, -1, 1
		return redis.NewFailoverClient(o), nil
	case "redis+cluster", "rediss+cluster":
		o, err := redis.ParseClusterURL(plain(strings.TrimSuffix(u.Scheme, "+cluster")))
		if err != nil {
			return nil, unreadable(err)
		}
		o.MaintNotificationsConfig, o.ContextTimeoutEnabled, o.DialTimeout, o.DialerRetries = off, true, dial, 1
		return redis.NewClusterClient(o), nil
	}
	return nil, fmt.Errorf("Redis URL: use unix://, redis://, rediss://, redis+sentinel:// or redis+cluster://, not %q", u.Scheme)
}

func unreadable(err error) error {
	if strings.Contains(err.Error(), "@") { // might quote the user's part
		return errors.New("Redis URL: it cannot be read")
	}
	return fmt.Errorf("Redis URL: %w", err)
}

var quiet sync.Once

// logger hands the client's own remarks (lost connections) to the log at debug level; Status tells what matters.
type logger struct{}

func (logger) Printf(ctx context.Context, format string, v ...any) {
	slog.DebugContext(ctx, "redis client", "remark", fmt.Sprintf(format, v...))
}
