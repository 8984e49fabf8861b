package oidc

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// issuer is an OpenID Connect provider. It has one user, whose refresh token it replaces each time.
type issuer struct {
	*httptest.Server
	key *rsa.PrivateKey

	mu        sync.Mutex
	discovery map[string]any
	refresh   string // the token that it accepts
	number    int    // of tokens that it has issued
	asked     []url.Values
	headers   []http.Header
	answer    func(w http.ResponseWriter, form url.Values) bool // takes precedence if it returns true
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key, refresh: "refresh-token-0"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /realm/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		_ = json.NewEncoder(w).Encode(i.discovery)
	})
	mux.HandleFunc("GET /realm/keys", func(w http.ResponseWriter, _ *http.Request) {
		encoded := base64.RawURLEncoding.EncodeToString
		fmt.Fprintf(w, `{"keys":[{"kty":"RSA","use":"sig","alg":"RS256","kid":"k","n":%q,"e":%q}]}`,
			encoded(key.N.Bytes()), encoded(big.NewInt(int64(key.E)).Bytes()))
	})
	mux.HandleFunc("POST /realm/token", i.token)
	i.Server = httptest.NewUnstartedServer(mux)
	i.Config.ErrorLog = log.New(io.Discard, "", 0)
	i.StartTLS()
	t.Cleanup(i.Close)
	i.discovery = map[string]any{
		"issuer": i.address(), "jwks_uri": i.address() + "/keys", "token_endpoint": i.address() + "/token?tenant=a",
		"authorization_endpoint": i.address() + "/auth", "response_types_supported": []string{"code"},
		"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
	}
	return i
}

func (i *issuer) address() string { return i.URL + "/realm" }

func (i *issuer) ca() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.Certificate().Raw})
}

func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked, i.headers = append(i.asked, r.PostForm), append(i.headers, r.Header)
	if i.answer != nil && i.answer(w, r.PostForm) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if got := r.PostForm.Get("refresh_token"); got != i.refresh || r.URL.Query().Get("tenant") != "a" {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":"invalid_grant","error_description":"the token %s is unknown"}`, got)
		return
	}
	i.number++
	i.refresh = fmt.Sprintf("refresh-token-%d", i.number)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"id_token": i.sign(time.Now().Add(time.Hour)), "refresh_token": i.refresh, "token_type": "Bearer", "expires_in": 3600,
	})
}

// sign returns an ID token of jane.
func (i *issuer) sign(expires time.Time) string {
	encode := func(v any) string {
		data, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(data)
	}
	text := encode(map[string]string{"alg": "RS256", "kid": "k"}) + "." + encode(map[string]any{
		"iss": i.address(), "aud": "kubernetes", "sub": "jane", "email": "jane@example.com", "email_verified": true,
		"exp": expires.Unix(), "iat": time.Now().Unix(), "jti": fmt.Sprint(i.number),
	})
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// config is the auth-provider's config of a kubeconfig, in JSON. more comes in pairs; "" removes.
func (i *issuer) config(more ...string) string {
	config := map[string]string{
		issuerURL: i.address(), clientID: "kubernetes", clientSecret: "secret of:client", refreshToken: "refresh-token-0",
		caData: base64.StdEncoding.EncodeToString(i.ca()),
	}
	for n := 0; n < len(more); n += 2 {
		config[more[n]] = more[n+1]
		if more[n+1] == "" {
			delete(config, more[n])
		}
	}
	data, _ := json.Marshal(config)
	return string(data)
}

// user is a kubeconfig whose user has the auth-provider with that config.
func user(config string) []byte {
	return []byte(strings.ReplaceAll(`{"current-context":"ctx","contexts":[{"name":"ctx","context":{"cluster":"clu","user":"usr"}}],
		"clusters":[{"name":"clu","cluster":{"server":"https://a.example"}}],
		"users":[{"name":"usr","user":{"auth-provider":{"name":"oidc","config":CONFIG}}}]}`, "CONFIG", config))
}
