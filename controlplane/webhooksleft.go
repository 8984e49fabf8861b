package controlplane

import (
	"context"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/rest"
)

// namePrefix is that of the names of configurations.
const namePrefix = "controlplane-"

// removeLeft removes the configurations of processes that were killed, so that their Stop did not: in
// data that is kept, and in a cluster that is there, they would refuse what they were to admit. A
// configuration is one of those if nobody listens at its address, which is on this machine.
func removeLeft(ctx context.Context, client *rest.Client) error {
	d := dynamic.New(client)
	for _, resource := range []string{"validatingwebhookconfigurations", "mutatingwebhookconfigurations"} {
		r := d.Resource(gvr("admissionregistration.k8s.io", resource))
		list, err := r.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, object := range list.Items {
			if !isLeft(ctx, &object) {
				continue
			}
			uid := object.GetUID()
			err := r.Delete(ctx, object.GetName(), metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
			if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
				return err
			}
		}
	}
	return nil
}

// isLeft reports whether a configuration is one of this package whose process is gone.
func isLeft(ctx context.Context, object *unstructured.Unstructured) bool {
	webhooks, _, _ := unstructured.NestedSlice(object.Object, "webhooks")
	i := slices.IndexFunc(webhooks, func(w any) bool {
		hook, _ := w.(map[string]any)
		return hook["name"] == readyName
	})
	if i < 0 || !strings.HasPrefix(object.GetName(), namePrefix) {
		return false
	}
	address, _, _ := unstructured.NestedString(webhooks[i].(map[string]any), "clientConfig", "url")
	u, err := url.Parse(address)
	if err != nil || u.Port() == "" || !net.ParseIP(u.Hostname()).IsLoopback() {
		return false
	}
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", u.Host)
	if err == nil {
		conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}
