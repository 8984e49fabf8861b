package webhook

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// targetKind is a kind of configuration that has a caBundle. They are read as JSON: the Go type of
// a CustomResourceDefinition is in a module that is not built on here, and those of the others
// would be linked for one field.
type targetKind struct{ group, resource string }

// kinds are those of AuthorityOptions.Validating, Mutating and CRDs.
var kinds = [3]targetKind{
	{"admissionregistration.k8s.io", "validatingwebhookconfigurations"},
	{"admissionregistration.k8s.io", "mutatingwebhookconfigurations"},
	{"apiextensions.k8s.io", "customresourcedefinitions"},
}

// target is a configuration whose caBundle is kept. Only Authority.keep uses it.
type target struct {
	rest      *rest.Client
	kind      targetKind
	name      string
	authority *Authority
	paths     map[string]bool // that are served

	seen   string // the resourceVersion that had bundle
	bundle []byte
}

func newTarget(c *rest.Client, k targetKind, name string, a *Authority) *target {
	return &target{rest: c, kind: k, name: name, authority: a}
}

// configuration is what is read of any of the three kinds.
type configuration struct {
	Metadata struct {
		ResourceVersion string `json:"resourceVersion"`
	} `json:"metadata"`
	Webhooks []struct {
		Name         string       `json:"name"`
		ClientConfig clientConfig `json:"clientConfig"`
	} `json:"webhooks"`
	Spec struct {
		Conversion struct {
			Webhook *struct {
				ClientConfig clientConfig `json:"clientConfig"`
			} `json:"webhook"`
		} `json:"conversion"`
	} `json:"spec"`
}

type clientConfig struct {
	URL     string `json:"url"`
	Service *struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
		Path      string `json:"path"`
	} `json:"service"`
	CABundle []byte `json:"caBundle"`
}

// keep makes bundle the caBundle of the configuration. If nothing has changed since it did so, that
// costs one request for the metadata.
func (t *target) keep(ctx context.Context, bundle []byte) error {
	var err error
	for range maxTries {
		if err = t.once(ctx, bundle); !apierrors.IsConflict(err) {
			break
		}
	}
	if err != nil {
		t.seen = ""
		return fmt.Errorf("write caBundle of %s %q: %w", t.kind.resource, t.name, err)
	}
	return nil
}

func (t *target) once(ctx context.Context, bundle []byte) error {
	if t.seen != "" && bytes.Equal(bundle, t.bundle) {
		o, err := t.request(t.rest.Get()).As("PartialObjectMetadata").Do(ctx).Object(wire.Options{})
		if err != nil || o.Meta.ResourceVersion == t.seen {
			return err
		}
	}
	data, err := t.request(t.rest.Get()).DoRaw(ctx)
	if err != nil {
		return err
	}
	var c configuration
	if err := decode(data, kind.Info{}, &c); err != nil {
		return fmt.Errorf("read it: %w", err)
	}
	ops, err := t.patch(&c, bundle)
	if err != nil {
		return err
	}
	if len(ops) == 0 {
		t.seen, t.bundle = c.Metadata.ResourceVersion, bundle
		return nil
	}
	// A patch of another version than the one that was read is a conflict, also if the server
	// applies it again: the indexes of its paths are that version's.
	ops = append(ops, operation{"replace", "/metadata/resourceVersion", c.Metadata.ResourceVersion})
	patch, err := json.Marshal(ops)
	if err != nil {
		return err
	}
	o, err := t.request(t.rest.Patch(types.JSONPatchType)).Body(patch).Do(ctx).Object(wire.Options{})
	if err != nil {
		return err
	}
	t.authority.log.Info("caBundle written", "resource", t.kind.resource, "name", t.name)
	t.seen, t.bundle = o.Meta.ResourceVersion, bundle
	return nil
}

// trusted returns the CAs in the caBundles of the webhooks that call this server.
func (t *target) trusted(ctx context.Context) (cas []*x509.Certificate, err error) {
	data, err := t.request(t.rest.Get()).DoRaw(ctx)
	if err != nil {
		return nil, err
	}
	var c configuration
	if err := decode(data, kind.Info{}, &c); err != nil {
		return nil, fmt.Errorf("read it: %w", err)
	}
	configs := []*clientConfig{}
	for i := range c.Webhooks {
		configs = append(configs, &c.Webhooks[i].ClientConfig)
	}
	if w := c.Spec.Conversion.Webhook; w != nil {
		configs = append(configs, &w.ClientConfig)
	}
	for _, cc := range configs {
		if _, ok := t.calls(cc); ok {
			cas = append(cas, parseIdentity(map[string][]byte{keyOfCA: cc.CABundle}).cas...)
		}
	}
	return cas, nil
}

func (t *target) request(r *rest.Request) *rest.Request {
	return r.GroupVersion(schema.GroupVersion{Group: t.kind.group, Version: "v1"}).
		Resource(t.kind.resource).Name(t.name).Format(wire.JSON).Timeout(keepTimeout / 2)
}

// patch returns the operations that write the bundle where the configuration calls this server and
// has another one.
func (t *target) patch(c *configuration, bundle []byte) (ops []operation, err error) {
	ours := 0
	look := func(path, name string, cc *clientConfig) {
		called, ok := t.calls(cc)
		if !ok {
			return
		}
		if t.paths != nil && !t.paths[called] {
			t.authority.log.Warn("a configuration calls a path that is not served: correct it, its requests fail",
				"resource", t.kind.resource, "name", t.name, "webhook", name, "path", called)
		}
		if ours++; !bytes.Equal(cc.CABundle, bundle) {
			ops = append(ops, operation{"add", path + "/caBundle", bundle})
		}
	}
	for i := range c.Webhooks {
		w := &c.Webhooks[i]
		look("/webhooks/"+strconv.Itoa(i)+"/clientConfig", w.Name, &w.ClientConfig)
	}
	if w := c.Spec.Conversion.Webhook; w != nil {
		look("/spec/conversion/webhook/clientConfig", "conversion", &w.ClientConfig)
	}
	if ours == 0 {
		return nil, fmt.Errorf("it has no webhook that calls Service %q in namespace %q or one of the hosts %q",
			t.authority.options.Service, t.authority.options.Namespace, t.authority.plan.hosts)
	}
	return ops, nil
}

// calls reports whether a webhook calls this server, and at which path.
func (t *target) calls(cc *clientConfig) (path string, ok bool) {
	o := &t.authority.options
	if s := cc.Service; s != nil {
		if o.Service == "" || s.Name != o.Service || s.Namespace != o.Namespace {
			return "", false
		}
		path = s.Path
	} else {
		u, err := url.Parse(cc.URL)
		if err != nil || !slices.Contains(t.authority.plan.hosts, u.Hostname()) {
			return "", false
		}
		path = u.Path
	}
	if path == "" {
		path = "/"
	}
	return path, true
}
