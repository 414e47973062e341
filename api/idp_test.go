package api

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"
)

// idp is a sign-in provider of its own: discovery, keys, a page that lets everybody in at once, and codes that are good
// once and for the verifier that they were asked with. Its tokens are signed by hand, so that forged ones can be too.
type idp struct {
	*httptest.Server
	rsa   *rsa.PrivateKey
	ec    *ecdsa.PrivateKey
	other *rsa.PrivateKey // whose public half nobody publishes
	// forge changes what the next tokens say and how they are signed.
	forge func(t *statement)

	mu    sync.Mutex
	codes map[string]codeFor
}

// codeFor is what the authorization request of a code said.
type codeFor struct{ nonce, challenge, back string }

// statement is a token on its way to being signed.
type statement struct {
	header, claims map[string]any
	sign           func(text []byte) []byte
}

const (
	idpClient = "onepicture at the city"
	idpSecret = "between the two servers"
)

func newIDP(t *testing.T) *idp {
	t.Helper()
	p := &idp{codes: map[string]codeFor{}}
	var err error
	for _, key := range []**rsa.PrivateKey{&p.rsa, &p.other} {
		if *key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			t.Fatal(err)
		}
	}
	if p.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, 200, map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256", "ES256", "HS256", "none"}, "response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, 200, map[string]any{"keys": []map[string]string{
			{"kty": "RSA", "kid": "r", "use": "sig", "n": raw64(p.rsa.N.Bytes()), "e": raw64(big.NewInt(int64(p.rsa.E)).Bytes())},
			{"kty": "EC", "kid": "e", "use": "sig", "crv": "P-256", "x": raw64(p.ec.X.FillBytes(make([]byte, 32))), "y": raw64(p.ec.Y.FillBytes(make([]byte, 32)))},
		}})
	})
	mux.HandleFunc("/authorize", p.authorize)
	mux.HandleFunc("/token", p.token)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func raw64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (p *idp) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("response_type") != "code" || q.Get("client_id") != idpClient || q.Get("code_challenge_method") != "S256" || q.Get("scope") != "openid profile" {
		http.Error(w, "refused", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.mu.Lock()
	p.codes[code] = codeFor{q.Get("nonce"), q.Get("code_challenge"), q.Get("redirect_uri")}
	p.mu.Unlock()
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.URL}}.Encode(), http.StatusFound)
}

func (p *idp) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	user, secret, _ := r.BasicAuth()
	user, _ = url.QueryUnescape(user)
	secret, _ = url.QueryUnescape(secret)
	a, known := p.codes[r.FormValue("code")]
	delete(p.codes, r.FormValue("code"))
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !known || user != idpClient || secret != idpSecret || raw64(sum[:]) != a.challenge || r.FormValue("redirect_uri") != a.back {
		answerJSON(w, 400, map[string]string{"error": "invalid_grant"})
		return
	}
	now := time.Now()
	f := &statement{
		header: map[string]any{"alg": "RS256", "kid": "r", "typ": "JWT"},
		claims: map[string]any{"iss": p.URL, "aud": idpClient, "sub": "s-1", "exp": now.Add(5 * time.Minute).Unix(), "iat": now.Unix(), "nonce": a.nonce, "preferred_username": "huang"},
		sign:   p.signRSA(p.rsa),
	}
	if p.forge != nil {
		p.forge(f)
	}
	answerJSON(w, 200, map[string]any{"access_token": "unused", "token_type": "Bearer", "expires_in": 300, "id_token": f.text()})
}

func (f *statement) text() string {
	header, _ := json.Marshal(f.header)
	claims, _ := json.Marshal(f.claims)
	text := raw64(header) + "." + raw64(claims)
	return text + "." + raw64(f.sign([]byte(text)))
}

func (p *idp) signRSA(key *rsa.PrivateKey) func([]byte) []byte {
	return func(text []byte) []byte {
		sum := sha256.Sum256(text)
		b, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		if err != nil {
			panic(err)
		}
		return b
	}
}

func (p *idp) signEC(text []byte) []byte {
	sum := sha256.Sum256(text)
	r, s, err := ecdsa.Sign(rand.Reader, p.ec, sum[:])
	if err != nil {
		panic(err)
	}
	return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
}

// signPublic signs with what everybody may know, as a symmetric key (CVE-2015-9235).
func (p *idp) signPublic(text []byte) []byte {
	der, err := x509.MarshalPKIXPublicKey(&p.rsa.PublicKey)
	if err != nil {
		panic(err)
	}
	h := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	h.Write(text)
	return h.Sum(nil)
}
