package dynamic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
	"github.com/skiff-k8s/skiff/internal/verbs"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/wire"
)

// WaitServed returns when the server serves CustomResourceDefinitions that were applied: each is
// established, and each version that it serves is in the server's list of resources and answers
// requests. Between those two the server answers 429 for a moment. ctx bounds the wait.
//
// A list of one object is requested of each version. If the server refuses that (403), or fails
// because a conversion webhook does not answer yet, the version is served. Other API servers of the
// same cluster may follow a little later.
//
// Errors:
//   - ctx's error, with the name of the definition and what was seen last;
//   - names that another definition has already: at once, since that does not pass by itself;
//   - a *kind.MisuseError: an object is nil or no CustomResourceDefinition;
//   - what the server refuses: to watch the definitions, for example.
func WaitServed(ctx context.Context, c *Client, crds ...*unstructured.Unstructured) error {
	for i, u := range crds {
		if u == nil || u.GroupVersionKind().GroupKind() != definitionKind {
			return &kind.MisuseError{Verb: "wait for", Resource: "customresourcedefinitions",
				Problem: fmt.Sprintf("object %d is none", i+1)}
		}
	}
	for _, u := range crds {
		d := definitionOf(u)
		d.ends = true
		if err := c.waitServed(ctx, d, slices.Sorted(maps.Keys(d.served))...); err != nil {
			return err
		}
	}
	return nil
}

// waitServed returns when the server serves versions of a definition.
func (c *Client) waitServed(ctx context.Context, d *definition, versions ...string) error {
	if err := c.waitEstablished(ctx, d); err != nil {
		return err
	}
	for _, version := range versions {
		if err := c.waitVersion(ctx, d, version); err != nil {
			return fmt.Errorf("wait until the server serves version %s of CustomResourceDefinition "+
				"%q: %w", version, d.name, err)
		}
	}
	return nil
}

// These end the wait for a CustomResourceDefinition.
var (
	errEstablished = errors.New("established")
	errNames       = errors.New("its names are not accepted")
)

// isAboutNames reports whether the server's message quotes a name that the definition has now. The
// message may be older than the definition.
func isAboutNames(u *unstructured.Unstructured, message any) bool {
	text, _ := message.(string)
	names, _, _ := unstructured.NestedMap(u.Object, "spec", "names")
	all, _, _ := unstructured.NestedStringSlice(names, "shortNames")
	for _, name := range names {
		if name, ok := name.(string); ok {
			all = append(all, name)
		}
	}
	return slices.ContainsFunc(all, func(name string) bool {
		return strings.Contains(text, strconv.Quote(name))
	})
}

// waitEstablished returns when the server has taken up a definition.
func (c *Client) waitEstablished(ctx context.Context, d *definition) error {
	r := c.Resource(d.apiVersion.WithResource("customresourcedefinitions")).r
	seen := "nothing, the server has not answered"
	err := r.Follow(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("metadata.name", d.name).String(),
	}, func(change verbs.Change) error {
		switch change.Type {
		case wire.Bookmark:
			return nil
		case wire.Deleted:
			return errors.New("it was deleted")
		}
		u := &unstructured.Unstructured{}
		if err := wire.Decode(change.Object, u); err != nil {
			return err
		}
		seen = "it has no condition Established"
		conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
		for _, c := range conditions {
			c, _ := c.(map[string]any)
			switch {
			case c["type"] == "Established" && c["status"] == "True":
				return errEstablished
			case c["type"] == "NamesAccepted" && c["status"] == "False":
				seen = fmt.Sprintf("its names are not accepted: %v", c["message"])
				if d.ends && isAboutNames(u, c["message"]) {
					return errNames
				}
			}
		}
		return nil
	})
	switch err {
	case errEstablished:
		return nil
	case errNames:
		return fmt.Errorf("wait for CustomResourceDefinition %s: %s", d.name, seen)
	}
	return fmt.Errorf("wait until CustomResourceDefinition %q is established: %w; last seen: %s",
		d.name, err, seen)
}

// waitVersion returns when the server lists a version's resource, and answers requests for it.
func (c *Client) waitVersion(ctx context.Context, d *definition, version string) error {
	path := "/apis/" + d.defines.Group + "/" + version
	listed := false
	for pause := servedPause; ; pause = min(2*pause, maxServedPause) {
		var err error
		if !listed {
			listed, err = c.lists(ctx, path, d.plural)
		}
		if listed {
			err = c.rest.Get().AbsPath(path+"/"+d.plural).Param("limit", "1").MaxRetries(-1).Do(ctx).Error()
			if answers(err) {
				return nil
			}
		}
		if err != nil && refused(err) {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			if err == nil || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				return ctxerr.Of(ctx)
			}
			return fmt.Errorf("%w; the last error: %w", ctxerr.Of(ctx), err)
		}
	}
}

// lists reports whether a group and version has a resource.
func (c *Client) lists(ctx context.Context, path, plural string) (bool, error) {
	data, err := c.rest.Get().AbsPath(path).DoRaw(ctx)
	if err != nil {
		return false, err
	}
	var list metav1.APIResourceList
	if err := json.Unmarshal(data, &list); err != nil {
		return false, fmt.Errorf("read the resources of %s: %w", path, err)
	}
	return slices.ContainsFunc(list.APIResources,
		func(r metav1.APIResource) bool { return r.Name == plural }), nil
}

// answers reports whether err is the answer of a resource that is served: none, no right to list, or
// a conversion that fails.
func answers(err error) bool {
	return err == nil || apierrors.IsForbidden(err) || apierrors.IsInternalError(err)
}

// refused reports whether an error is not one of the time before a resource is served.
func refused(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	code := status.Status().Code
	return code >= 400 && code < 500 && code != http.StatusNotFound &&
		code != http.StatusTooManyRequests && code != http.StatusRequestTimeout
}
