package operator

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
)

// Authorizer permits HTTP requests as the API server does: the bearer token of a request says who
// sends it (TokenReview), and RBAC says whether they may use the verb on the path
// (SubjectAccessReview, non-resource URLs). A ServiceAccount that may scrape needs this rule:
//
//	nonResourceURLs: ["/metrics"]
//	verbs: ["get"]
//
// The operator's own account needs create on tokenreviews.authentication.k8s.io and on
// subjectaccessreviews.authorization.k8s.io, as ClusterRole system:auth-delegator has.
//
// An answer is used again for a minute if it was yes, and for ten seconds if it was no. So
// that a flood of requests does not reach the API server, at most ten answers a second are asked for
// (twenty at once) for a token that the API server has known within an hour, and for all others from
// one address; for all others together fifty (a hundred at once). It is safe for concurrent use.
type Authorizer struct {
	tokens  *client.Client[authenticationv1.TokenReview]
	reviews *client.Client[authorizationv1.SubjectAccessReview]
	callers *callers
	log     *slog.Logger

	mu       sync.Mutex
	known    map[question]answer
	reported time.Time // when a fault of the API server was logged
}

// question is a request, without its token.
type question [sha256.Size]byte

// answer is what the API server says to a question.
type answer struct {
	user          string
	authenticated bool
	allowed       bool
	until         time.Time // how long it may be used
}

const (
	yesFor = time.Minute
	noFor  = 10 * time.Second
	// maxAnswers bounds the memory of the answers, which are some 200 bytes each.
	maxAnswers = 1000
	// reviewTimeout limits the two requests of one answer.
	reviewTimeout = 10 * time.Second
	// reviewLog is the shortest time between two logged faults of the API server.
	reviewLog = 10 * time.Second
)

// NewAuthorizer returns an Authorizer that asks the API server of c. log takes its faults; nil
// means slog.Default.
func NewAuthorizer(c *rest.Client, log *slog.Logger) *Authorizer {
	if log == nil {
		log = slog.Default()
	}
	return &Authorizer{
		tokens:  client.Of[authenticationv1.TokenReview](c),
		reviews: client.Of[authorizationv1.SubjectAccessReview](c),
		callers: newCallers(),
		log:     log, known: map[question]answer{},
	}
}

// Wrap returns a handler that calls h for the requests that are permitted, and answers the others:
//
//   - 401, if there is no token, or the API server does not know it;
//   - 403, if RBAC does not permit the verb on the path;
//   - 429, if there are too many questions;
//   - 503, if the API server cannot be asked. The log says why.
func (a *Authorizer) Wrap(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := bearer(r.Header.Get("Authorization"))
		if !ok {
			unauthorized(w, "a bearer token is needed")
			return
		}
		verb := strings.ToLower(r.Method)
		got, status := a.ask(r, token, verb)
		switch {
		case status != 0:
			w.Header().Set("Retry-After", "1")
			http.Error(w, "the API server cannot be asked whether this is permitted, try again later",
				status)
		case !got.authenticated:
			unauthorized(w, "the API server does not know this token")
		case !got.allowed:
			http.Error(w, fmt.Sprintf("%q may not %s path %q", got.user, verb, r.URL.Path),
				http.StatusForbidden)
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// bearer returns the token of an Authorization header (RFC 6750).
func bearer(header string) (token string, ok bool) {
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "bearer") && token != ""
}

func unauthorized(w http.ResponseWriter, why string) {
	w.Header().Set("WWW-Authenticate", "Bearer")
	http.Error(w, why, http.StatusUnauthorized)
}

// ask returns the answer for a request, or the HTTP status that says why there is none.
func (a *Authorizer) ask(r *http.Request, token, verb string) (got answer, status int) {
	path := r.URL.Path
	q := question(sha256.Sum256([]byte(token + "\x00" + verb + "\x00" + path)))
	if got, ok := a.remembered(q, time.Now()); ok {
		return got, 0
	}
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		address = r.RemoteAddr
	}
	if !a.callers.may(token, address, time.Now()) {
		return answer{}, http.StatusTooManyRequests
	}
	ctx, cancel := context.WithTimeout(r.Context(), reviewTimeout)
	defer cancel()
	got, err = a.review(ctx, token, verb, path)
	if err != nil {
		if context.Cause(ctx) != context.Canceled { // else the client went away
			a.report(err)
		}
		return answer{}, http.StatusServiceUnavailable
	}
	if got.authenticated {
		a.callers.knows(token, time.Now())
	}
	a.remember(q, got, time.Now())
	return got, 0
}

// review asks the API server.
func (a *Authorizer) review(ctx context.Context, token, verb, path string) (answer, error) {
	who, err := a.tokens.Create(ctx, &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: token},
	}, metav1.CreateOptions{})
	if err != nil {
		return answer{}, err
	}
	if !who.Status.Authenticated {
		return answer{}, nil
	}
	user := who.Status.User
	extra := map[string]authorizationv1.ExtraValue{}
	for k, v := range user.Extra {
		extra[k] = authorizationv1.ExtraValue(v)
	}
	may, err := a.reviews.Create(ctx, &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{
			User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra,
			NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: path, Verb: verb},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return answer{}, err
	}
	return answer{user: user.Username, authenticated: true, allowed: may.Status.Allowed}, nil
}

func (a *Authorizer) remembered(q question, now time.Time) (answer, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	got, ok := a.known[q]
	return got, ok && now.Before(got.until)
}

func (a *Authorizer) remember(q question, got answer, now time.Time) {
	got.until = now.Add(noFor)
	if got.allowed {
		got.until = now.Add(yesFor)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.known) >= maxAnswers {
		for old, o := range a.known {
			if !now.Before(o.until) {
				delete(a.known, old)
			}
		}
		if len(a.known) >= maxAnswers {
			clear(a.known) // they are asked for again, at the limited rate
		}
	}
	a.known[q] = got
}

func (a *Authorizer) report(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Since(a.reported) < reviewLog {
		return
	}
	a.reported = time.Now()
	a.log.Error("ask whether a request is permitted: refusing it", "error", err)
}
