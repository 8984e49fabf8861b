package dynamic

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
)

const (
	// The pause between two looks whether the server serves a resource begins at servedPause and
	// doubles up to maxServedPause. An API server serves a resource within a second of the moment
	// in which its CustomResourceDefinition is established; others of the same cluster follow.
	servedPause    = 50 * time.Millisecond
	maxServedPause = 2 * time.Second
)

// definition is a CustomResourceDefinition of the stream.
type definition struct {
	name       string
	apiVersion schema.GroupVersion // of the definition itself
	defines    schema.GroupKind
	plural     string
	served     map[string]bool            // the versions
	applied    *unstructured.Unstructured // as the server stores it; nil if that has failed
	ready      map[string]bool            // the versions that the server has begun to serve
	ends       bool                       // names that are taken end the wait
	late       bool                       // a wait for it has ended without success: there is no other
}

func definitionOf(u *unstructured.Unstructured) *definition {
	d := &definition{name: u.GetName(), apiVersion: u.GroupVersionKind().GroupVersion(),
		served: map[string]bool{}, ready: map[string]bool{}}
	d.defines.Group, _, _ = unstructured.NestedString(u.Object, "spec", "group")
	d.defines.Kind, _, _ = unstructured.NestedString(u.Object, "spec", "names", "kind")
	d.plural, _, _ = unstructured.NestedString(u.Object, "spec", "names", "plural")
	versions, _, _ := unstructured.NestedSlice(u.Object, "spec", "versions")
	for _, v := range versions {
		if v, ok := v.(map[string]any); ok && v["served"] == true {
			name, _ := v["name"].(string)
			d.served[name] = true
		}
	}
	return d
}

// isToBeServed reports whether objects of a version can be applied once the server has caught up.
func (d *definition) isToBeServed(version string) bool {
	return d != nil && d.applied != nil && !d.late && d.served[version]
}

// whenServed applies an object of a CustomResourceDefinition of the stream once the server serves it.
// Other servers of the cluster may serve it a little later, and their answers are asked for again.
func (run *applying) whenServed(ctx context.Context, a *Applied, d *definition) error {
	version := a.Object.GroupVersionKind().Version
	if !d.ready[version] {
		if err := run.client.waitServed(ctx, d, version); err != nil {
			d.late = true
			return err
		}
		d.ready[version] = true
	}
	for pause := servedPause; ; pause = min(2*pause, maxServedPause) {
		err := run.once(ctx, a)
		if err == nil || !isNotServed(err) {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			d.late = true
			return fmt.Errorf("wait until the server serves what CustomResourceDefinition %q "+
				"defines: %w; the last error: %w", d.name, ctxerr.Of(ctx), err)
		}
		run.mapper.ResetWithContext(ctx)
	}
}

// isNotServed reports whether the server has no such resource. The only object that an apply does
// not find is its namespace.
func isNotServed(err error) bool {
	var status apierrors.APIStatus
	if !apierrors.IsNotFound(err) || !errors.As(err, &status) {
		return meta.IsNoMatchError(err)
	}
	details := status.Status().Details
	return details == nil || details.Kind != "namespaces"
}
