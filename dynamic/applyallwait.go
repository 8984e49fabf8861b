package dynamic

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
	"github.com/skiff-k8s/skiff/internal/verbs"
	"github.com/skiff-k8s/skiff/wire"
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
	name        string
	defines     schema.GroupKind
	served      map[string]bool            // the versions
	applied     *unstructured.Unstructured // as the server stores it; nil if that has failed
	established bool
	late        bool // a wait for it has ended without success: there is no other
}

func definitionOf(u *unstructured.Unstructured) *definition {
	d := &definition{name: u.GetName(), served: map[string]bool{}}
	d.defines.Group, _, _ = unstructured.NestedString(u.Object, "spec", "group")
	d.defines.Kind, _, _ = unstructured.NestedString(u.Object, "spec", "names", "kind")
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
func (run *applying) whenServed(ctx context.Context, a *Applied, d *definition) error {
	if err := run.establish(ctx, d); err != nil {
		d.late = true
		return err
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

// errEstablished ends the wait for a CustomResourceDefinition.
var errEstablished = errors.New("established")

// establish waits until the server has taken up a CustomResourceDefinition.
func (run *applying) establish(ctx context.Context, d *definition) error {
	if d.established {
		return nil
	}
	r := run.client.Resource(d.applied.GroupVersionKind().GroupVersion().
		WithResource("customresourcedefinitions")).r
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
			}
		}
		return nil
	})
	if err == errEstablished {
		d.established = true
		return nil
	}
	return fmt.Errorf("wait until CustomResourceDefinition %q is established: %w; last seen: %s",
		d.name, err, seen)
}
