package rest

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/wire"
)

// secrets are the credentials that a client sends. A server may send them back anywhere in an
// answer, so each error, Status and log line of this package passes through them on its way out.
// The package's comment tells callers what is replaced. It is safe for concurrent use.
//
// Impersonation is none of them: who is impersonated is no secret.
type secrets struct {
	mu    sync.Mutex // guards known
	known []secret   // the last used is the last; a change replaces the slice
}

// secret is a credential in the forms in which it is searched for.
type secret struct {
	text  string
	forms []form
}

const (
	// maxSecrets limits how many credentials are remembered. Tokens from a file change about once
	// an hour, and the old ones may still be valid.
	maxSecrets = 32
	// wordSecret is the length from which a credential is replaced wherever it is a whole word.
	// A shorter one is replaced only after a word such as "Bearer".
	wordSecret = 4
	// longSecret is the length from which a credential is replaced within words, too.
	longSecret = 8
)

// form is a credential, or an encoding of it, in lower case.
type form struct {
	text string
	rule rule
}

// rule is where a form is replaced.
type rule uint8

const (
	anywhere    rule = iota
	inBase64         // anywhere, together with the characters of base64 around it
	wholeWord        // not next to a letter or digit
	afterMarker      // a whole word after a marker
)

// markers announce a credential.
var markers = []string{
	"bearer", "basic", "token", "password", "authorization", "credential", "credentials", "cookie",
}

// learn adds a credential. If there are too many, it forgets the one that was not used for longest.
func (s *secrets) learn(text string) {
	if text = strings.TrimSpace(text); text == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.known)
	if n > 0 && s.known[n-1].text == text {
		return
	}
	var known []secret
	for _, k := range s.known {
		if k.text != text {
			known = append(known, k)
		}
	}
	s.known = append(known, newSecret(text))[max(0, len(known)+1-maxSecrets):]
}

// learnHeader adds the credentials in the headers of a request. Some come from the caller, or from
// Config.WrapTransport.
func (s *secrets) learnHeader(h http.Header) {
	for key, values := range h {
		for _, value := range values {
			switch key {
			case "Authorization", "Proxy-Authorization":
				s.learnAuthorization(value)
			case "Cookie":
				for pair := range strings.SplitSeq(value, ";") {
					_, cookie, _ := strings.Cut(pair, "=")
					s.learn(strings.Trim(cookie, `" `))
				}
			default:
				if holdsCredential(key) {
					s.learn(value)
				}
			}
		}
	}
}

// holdsCredential reports whether a header holds a credential, by its name in canonical form.
func holdsCredential(key string) bool {
	switch key {
	case "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie":
		return true
	}
	return strings.Contains(key, "Token") || strings.Contains(key, "Secret") ||
		strings.HasSuffix(key, "Key")
}

// learnAuthorization adds the credential of an Authorization header: what follows the scheme, and
// the password in it (RFC 7617).
func (s *secrets) learnAuthorization(value string) {
	scheme, credential, ok := strings.Cut(strings.TrimSpace(value), " ")
	if !ok {
		scheme, credential = "", value
	}
	s.learn(credential)
	if strings.EqualFold(scheme, "basic") {
		if pair, err := base64.StdEncoding.DecodeString(strings.TrimSpace(credential)); err == nil {
			_, password, _ := strings.Cut(string(pair), ":")
			s.learn(password)
		}
	}
}

// learnProxy adds the password of a proxy's address.
func (s *secrets) learnProxy(user *url.Userinfo) {
	password, _ := user.Password()
	pair := user.Username() + ":" + password
	s.learn(base64.StdEncoding.EncodeToString([]byte(pair)))
	s.learn(password)
}

func newSecret(text string) secret {
	s := secret{text: text}
	if len(text) < wordSecret {
		s.forms = []form{{strings.ToLower(text), afterMarker}}
		return s
	}
	whole, part, places := wholeWord, wholeWord, 1
	if len(text) >= longSecret {
		whole, part, places = anywhere, inBase64, 3
	}
	s.forms = []form{
		{strings.ToLower(text), whole},
		{hex.EncodeToString([]byte(text)), whole},
	}
	// In the base64 of a longer text, a credential begins at one of three places in a group of
	// three bytes. The characters that the bytes beside it have a part in are left out.
	for before := range places {
		bytes := append(make([]byte, before), text...)
		from, to := [3]int{0, 2, 3}[before], len(bytes)*8/6
		if part == wholeWord {
			to = base64.RawStdEncoding.EncodedLen(len(bytes))
		}
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			encoded := strings.ToLower(e.EncodeToString(bytes)[from:to])
			s.forms = append(s.forms, form{encoded, part})
		}
	}
	return s
}

func (s *secrets) all() []secret {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known
}

// text returns text with each credential replaced.
func (s *secrets) text(text string) string {
	spans := findSecrets(s.all(), text)
	if len(spans) == 0 {
		return text
	}
	var b strings.Builder
	last := 0
	for _, sp := range spans {
		b.WriteString(text[last:sp.start])
		b.WriteString(redacted)
		last = sp.end
	}
	b.WriteString(text[last:])
	return b.String()
}

// status replaces the credentials in a Status.
func (s *secrets) status(st *metav1.Status) {
	//lint:ignore SA1019 no server sets SelfLink any more, but one that repeats a token may
	link := &st.SelfLink
	fields := []*string{
		&st.Kind, &st.APIVersion, link, &st.ResourceVersion, &st.Continue,
		&st.Status, &st.Message, (*string)(&st.Reason),
	}
	if d := st.Details; d != nil {
		fields = append(fields, &d.Name, &d.Group, &d.Kind, (*string)(&d.UID))
		for i := range d.Causes {
			c := &d.Causes[i]
			fields = append(fields, (*string)(&c.Type), &c.Message, &c.Field)
		}
	}
	for _, field := range fields {
		*field = s.text(*field)
	}
}

// statusError returns a Status as an error, without the credentials. Every StatusError of this
// package is made here.
func (s *secrets) statusError(st *metav1.Status) *apierrors.StatusError {
	s.status(st)
	return &apierrors.StatusError{ErrStatus: *st}
}

// object returns the object of an ERROR event without the credentials. Each of their bytes becomes
// an asterisk, so that lengths stay as they are and the object can be decoded.
func (s *secrets) object(o wire.Object) wire.Object {
	o.Kind, o.APIVersion = s.text(o.Kind), s.text(o.APIVersion)
	spans := findSecrets(s.all(), string(o.Data))
	if len(spans) == 0 {
		return o
	}
	o.Data = slices.Clone(o.Data)
	for _, sp := range spans {
		for i := sp.start; i < sp.end; i++ {
			o.Data[i] = '*'
		}
	}
	o.Meta = wire.Meta{} // its strings are copies of what was replaced
	return o
}
