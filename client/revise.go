package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/internal/verbs"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/wire"
)

// operation is one of a JSON patch (RFC 6902). A Value that is missing is sent as null, which an
// operation without a value ignores.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// revise sends the JSON patch that plan makes of the object's metadata, together with a test of the
// uid. plan's patch tests what it was made of. If a test fails, revise reads the object and plans
// again. It begins with obj, or with what it reads if fresh is set. Nothing is sent if plan returns
// no operations.
//
// It returns the object as the server stores it then, and none if obj is it. gone reports whether
// there is no object of that name and uid; then there is an error, too.
func revise(ctx context.Context, r verbs.Resource, verb string, obj metav1.Object, fresh bool,
	plan func(metav1.Object) []operation) (o wire.Object, gone bool, err error) {
	name, uid := obj.GetName(), obj.GetUID()
	if uid == "" {
		return o, false, &kind.MisuseError{Verb: verb, Resource: r.String(), Name: name,
			Problem: "the object has no uid: use one that was read from the server"}
	}
	now := obj
	read := func() error {
		var err error
		if o, now, err = readMeta(ctx, r, name); err == nil && now.GetUID() != uid {
			gone = true
			err = apierrors.NewConflict(r.Kind.GVR().GroupResource(), name, fmt.Errorf(
				"its uid is %s and not %s: another object has its name now", now.GetUID(), uid))
		}
		return err
	}
	late := false // the patch was made of an old version of the object
	isLate := func(error) bool { return late }
	err = retry(ctx, fmt.Sprintf("%s %s %q", verb, r, name), isLate, func() error {
		late = false
		if fresh {
			if err := read(); err != nil {
				return err
			}
			fresh = false
		}
		ops := plan(now)
		if ops == nil {
			return nil
		}
		data, err := json.Marshal(append([]operation{{"test", "/metadata/uid", uid}}, ops...))
		if err != nil {
			return err
		}
		answer, err := r.Patch(ctx, name, types.JSONPatchType, data, &metav1.PatchOptions{}, nil)
		if !apierrors.IsInvalid(err) && !apierrors.IsConflict(err) {
			o = answer
			return err
		}
		// A test has failed, or the server refuses the change itself.
		if err := read(); err != nil {
			return err
		}
		if same(ops, plan(now)) {
			return err
		}
		late = true
		return apierrors.NewConflict(r.Kind.GVR().GroupResource(), name,
			errors.New("the object has changed meanwhile"))
	})
	return o, gone || apierrors.IsNotFound(err), err
}

func same(a, b []operation) bool {
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err == nil && err2 == nil && bytes.Equal(x, y)
}

// readMeta returns an object and its metadata.
func readMeta(ctx context.Context, r verbs.Resource, name string) (wire.Object, metav1.Object,
	error) {
	r.Format = wire.JSON // of which the metadata can be decoded alone
	o, err := r.Get(ctx, name, &metav1.GetOptions{}, nil)
	if err != nil {
		return o, nil, err
	}
	var only metav1.PartialObjectMetadata
	if err := decode(r, o, &only); err != nil {
		return o, nil, err
	}
	return o, &only, nil
}
