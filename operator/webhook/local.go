package webhook

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skiff-k8s/skiff/operator"
)

// localHost is where ServeLocal listens.
const localHost = "127.0.0.1"

// ServeLocal serves the webhooks on a free port of 127.0.0.1, with a certificate made for it, until
// ctx ends. It is what the option WithWebhooks of package controlplane calls, to register the webhooks
// with the API server of a test:
//
//	hooks := webhook.NewServer(webhook.Options{}, validate, defaults)
//	cluster := controlplane.New(t, controlplane.WithCRDs("config/crd"), controlplane.WithWebhooks(hooks))
//
// Of the Options it uses only the Logger: neither Certificate nor Authority has to be set. It may be
// called several times, and beside Run.
//
// manifests is YAML: the documents of Configurations, called name, and for each kind that is converted
// a CustomResourceDefinition with its name and spec.conversion only. A webhook of ValidateRaw is served
// and not registered, because it has no kind; that is logged. Paths that no webhook has are answered
// 404. wait returns when the server has ended, after ctx has.
//
// Its error is a mistake in a hook, or a port that cannot be opened.
func (s *Server) ServeLocal(ctx context.Context, name string) (manifests string, wait func() error, err error) {
	if err := s.hookMistakes(); err != nil {
		return "", nil, err
	}
	now := time.Now()
	ca, key, err := newCA("local", now)
	if err != nil {
		return "", nil, err
	}
	leaf, err := newLeaf("local", []string{localHost}, ca, key, now)
	if err != nil {
		return "", nil, err
	}
	server := &operator.Server{Address: localHost + ":0", Logger: s.options.Logger,
		Handler: http.HandlerFunc(s.route), FinishRequests: true,
		ErrorLog:       log.New(&serverLog{s.env, newSeldom(slog.LevelWarn)}, "", 0),
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return leaf, nil }}
	if err := server.Listen(ctx); err != nil {
		return "", nil, err
	}
	o := ConfigurationOptions{Name: name, URL: "https://" + server.Addr().String(), CABundle: encodeCert(ca)}
	manifests, err = Configurations(o, s.hooks...)
	if err != nil {
		server.Close()
		return "", nil, err
	}
	docs := conversions(o, s.hooks)
	if manifests != "" {
		docs = append([]string{manifests}, docs...)
	}
	for _, h := range s.hooks {
		if h.role != converting && h.kind.Kind == "" {
			s.options.Logger.Warn("webhook is served and not registered: it has no kind", "url", o.URL+h.path)
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	return strings.Join(docs, "---\n"), func() error {
		err := <-ended
		ended <- err // for a further call
		return err
	}, nil
}

// conversions returns the part of each CustomResourceDefinition that makes the API server convert by
// these hooks.
func conversions(o ConfigurationOptions, hooks []*Hook) (docs []string) {
	for _, h := range hooks {
		for _, group := range slices.SortedFunc(maps.Keys(h.versions), func(a, b groupKind) int {
			return strings.Compare(a.kind+"."+a.group, b.kind+"."+b.group)
		}) {
			hub := h.versions[group][0].kind
			docs = append(docs, "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"+
				"metadata:\n  name: "+strconv.Quote(hub.Resource+"."+hub.Group)+"\n"+
				"spec:\n  conversion:\n    strategy: Webhook\n    webhook:\n      conversionReviewVersions: [v1]\n"+
				"      clientConfig:\n        url: "+strconv.Quote(o.URL+h.path)+"\n"+
				"        caBundle: "+base64.StdEncoding.EncodeToString(o.CABundle)+"\n")
		}
	}
	return docs
}

// hookMistakes returns what is wrong with the webhooks.
func (s *Server) hookMistakes() error {
	var errs []error
	paths := map[string]bool{}
	for _, h := range s.hooks {
		if h == nil {
			errs = append(errs, errors.New("serve webhooks: one of them is nil"))
			continue
		}
		errs = append(errs, h.err)
		if h.err == nil && paths[h.path] {
			errs = append(errs, fmt.Errorf("serve webhooks: two have the path %s: set one with At", h.path))
		}
		paths[h.path] = true
	}
	return errors.Join(errs...)
}
