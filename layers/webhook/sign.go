// Package webhook speaks Standard Webhooks with other systems: it takes signed messages in and makes reports of them, and
// tells other systems of events, signed, again and again until they have taken it or the last try has failed.
package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"onepicture/layers"
)

// Headers of Standard Webhooks.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// Tolerance is how far a message's time may be from the clock: an old message that was overheard opens nothing.
const Tolerance = 5 * time.Minute

const secretPrefix = "whsec_"

// NewSecret makes a secret of 32 random bytes.
func NewSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return secretPrefix + base64.StdEncoding.EncodeToString(b)
}

// secretBytes reads a secret of 24 to 64 bytes.
func secretBytes(secret string) ([]byte, bool) {
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
	return b, err == nil && len(b) >= 24 && len(b) <= 64
}

// Sign gives the signature of a message, "v1," and the HMAC-SHA256 of id, time and body.
func Sign(secret []byte, id string, at time.Time, body []byte) string {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	m.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
}

var errUnsigned = &layers.Error{Code: layers.CodeForbidden, Message: "the message bears no signature that fits, or its time is too far from now"}

// Verify checks a message and gives its id. Of several signatures one must fit: secrets are changed that way.
func Verify(secret []byte, h http.Header, body []byte, now time.Time) (id string, err error) {
	id = h.Get(HeaderID)
	seconds, err := strconv.ParseInt(h.Get(HeaderTimestamp), 10, 64)
	if err != nil || id == "" || len(id) > 200 {
		return "", errUnsigned
	}
	at := time.Unix(seconds, 0)
	if age := now.Sub(at); age > Tolerance || age < -Tolerance {
		return "", errUnsigned
	}
	want := []byte(Sign(secret, id, at, body))
	for _, s := range strings.Fields(h.Get(HeaderSignature)) {
		if subtle.ConstantTimeCompare(want, []byte(s)) == 1 {
			return id, nil
		}
	}
	return "", errUnsigned
}
