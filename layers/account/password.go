package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"onepicture/layers"
)

// Cost is what a password's hash costs whoever computes it.
type Cost struct {
	MemoryKiB uint32
	Passes    uint32
	Threads   uint8
}

// DefaultCost is the first choice of OWASP's Password Storage Cheat Sheet for argon2id; about 25 ms.
var DefaultCost = Cost{MemoryKiB: 19 * 1024, Passes: 2, Threads: 1}

const (
	saltBytes = 16
	hashBytes = 32
)

var b64 = base64.RawStdEncoding

// stretched is a password's hash with all that it takes to compute it again.
type stretched struct {
	cost       Cost
	salt, hash []byte
}

func (s stretched) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, s.cost.MemoryKiB, s.cost.Passes, s.cost.Threads,
		b64.EncodeToString(s.salt), b64.EncodeToString(s.hash))
}

var errNoHash = errors.New("not an argon2id hash in PHC form")

// parseStretched reads what String wrote. Costs beyond 1 GiB or 64 passes are refused: no stored text may stop the
// server.
func parseStretched(text string) (s stretched, err error) {
	part := strings.Split(text, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" || part[2] != "v="+strconv.Itoa(argon2.Version) {
		return s, errNoHash
	}
	numbers := strings.Split(part[3], ",")
	if len(numbers) != 3 {
		return s, errNoHash
	}
	var n [3]uint64
	for i, name := range []string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(numbers[i], name)
		if n[i], err = strconv.ParseUint(digits, 10, 32); !ok || err != nil || strconv.FormatUint(n[i], 10) != digits {
			return s, errNoHash
		}
	}
	if n[0] < 8 || n[0] > 1<<20 || n[1] < 1 || n[1] > 64 || n[2] < 1 || n[2] > 16 {
		return s, errNoHash
	}
	s.cost = Cost{uint32(n[0]), uint32(n[1]), uint8(n[2])}
	strict := b64.Strict()
	if s.salt, err = strict.DecodeString(part[4]); err != nil || len(s.salt) < 8 || len(s.salt) > 64 {
		return s, errNoHash
	}
	if s.hash, err = strict.DecodeString(part[5]); err != nil || len(s.hash) < 16 || len(s.hash) > 64 {
		return s, errNoHash
	}
	return s, nil
}

// lane is where a password waits to be looked at.
type lane uint8

// Who gives no reason for doubt goes fast; who may be guessing goes slowly, and takes nothing from the others.
const (
	fast lane = iota
	slow
)

// hasher computes hashes, a bounded number at a time: each takes Cost.MemoryKiB and a core.
type hasher struct {
	cost    Cost
	slots   [2]chan struct{} // by lane
	waiting [2]atomic.Int64
	dummy   stretched // of a password that nobody knows: unknown accounts cost what known ones do
	runs    atomic.Int64
}

const (
	maxWaiting = 32              // in a lane; more are sent away at once
	maxWait    = 4 * time.Second // in a lane
)

func newHasher(cost Cost, slots int) *hasher {
	h := &hasher{cost: cost, slots: [2]chan struct{}{make(chan struct{}, max(1, slots-1)), make(chan struct{}, 1)}}
	h.dummy = stretched{cost: cost, salt: random(saltBytes), hash: random(hashBytes)}
	return h
}

// run computes one hash within its lane; when the lane is full it says when to come again.
func (h *hasher) run(ctx context.Context, l lane, password string, salt []byte, cost Cost, bytes int) ([]byte, error) {
	full := layers.Unavailable(2*time.Second, "many are signing in at this moment; try again", nil)
	if h.waiting[l].Add(1) > maxWaiting {
		h.waiting[l].Add(-1)
		return nil, full
	}
	defer h.waiting[l].Add(-1)
	patience := time.NewTimer(maxWait)
	defer patience.Stop()
	select {
	case h.slots[l] <- struct{}{}:
	case <-patience.C:
		return nil, full
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-h.slots[l] }()
	h.runs.Add(1)
	return argon2.IDKey([]byte(password), salt, cost.Passes, cost.MemoryKiB, cost.Threads, uint32(bytes)), nil
}

// stretch makes a hash to store.
func (h *hasher) stretch(ctx context.Context, password string) (string, error) {
	s := stretched{cost: h.cost, salt: random(saltBytes)}
	var err error
	s.hash, err = h.run(ctx, fast, password, s.salt, s.cost, hashBytes)
	return s.String(), err
}

// verify compares a password with a stored hash. Without one, or with one that cannot be read, it does the same work
// and the answer is no. old tells that the hash was made at another cost than today's.
func (h *hasher) verify(ctx context.Context, l lane, stored, password string) (ok, old bool, err error) {
	s, err := parseStretched(stored)
	if err != nil {
		s = h.dummy
	}
	known := err == nil
	got, err := h.run(ctx, l, password, s.salt, s.cost, len(s.hash))
	if err != nil {
		return false, false, err
	}
	same := subtle.ConstantTimeCompare(got, s.hash) == 1
	return same && known, s.cost != h.cost || len(s.hash) != hashBytes, nil
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: the program ends instead (crypto/rand)
	return b
}
