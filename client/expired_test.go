package client_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/rest"
)

// A server that forgets in seconds what others keep for five minutes.
func TestASlowConsumerIsToldThatTheRestIsForgotten(t *testing.T) {
	cluster := controlplane.New(t, controlplane.WithoutControllerManager(), controlplane.WithAPIServerArgs("--etcd-compaction-interval=1s"))
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	ctx := soon(t)
	maps := client.Of[corev1.ConfigMap](c).In("default")
	for i := range 5 {
		must(maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("m", i)}}, metav1.CreateOptions{}))(t)
	}
	count := 0
	var last error
	for _, err := range maps.All(ctx, metav1.ListOptions{Limit: 2}) {
		if last = err; err != nil {
			break
		}
		if count++; count != 2 {
			continue
		}
		// The first page is over. What compacts is the server, in its own time, and only what writes
		// have made old.
		forget(ctx, t, maps)
	}
	if count != 2 || !apierrors.IsResourceExpired(last) {
		t.Errorf("%d objects, then %v", count, last)
	}
}

func TestASlowConsumerOfAllOrAgainGetsAll(t *testing.T) {
	cluster := controlplane.New(t, controlplane.WithoutControllerManager(), controlplane.WithAPIServerArgs("--etcd-compaction-interval=1s"))
	c, ctx := must(rest.NewClient(cluster.Config()))(t), soon(t)
	maps := client.Of[corev1.ConfigMap](c).In("default")
	for i := range 5 {
		must(maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("m", i), Labels: map[string]string{"mine": ""}}}, metav1.CreateOptions{}))(t)
	}
	var got []string
	for m, err := range maps.AllOrAgain(ctx, metav1.ListOptions{Limit: 2, LabelSelector: "mine"}) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, m.Name); len(got) == 2 {
			forget(ctx, t, maps)
			must(maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "m9", Labels: map[string]string{"mine": ""}}}, metav1.CreateOptions{}))(t)
		}
	}
	if all := strings.Join(got, " "); all != "m0 m1 m2 m3 m4 m9" {
		t.Errorf("%s", all)
	}
}

// forget returns when the server has forgotten its present state.
func forget(ctx context.Context, t *testing.T, maps *client.Client[corev1.ConfigMap]) {
	t.Helper()
	page := must(maps.List(ctx, metav1.ListOptions{Limit: 2}))(t)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for !forgotten(t, maps, page.Continue) {
		must(maps.Update(ctx, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: "m0"}, Data: map[string]string{"now": time.Now().String()},
		}, metav1.UpdateOptions{}))(t)
		select {
		case <-ctx.Done():
			t.Fatal("the server does not forget")
		case <-tick.C:
		}
	}
}

func forgotten(t *testing.T, maps *client.Client[corev1.ConfigMap], token string) bool {
	t.Helper()
	_, err := maps.List(t.Context(), metav1.ListOptions{Limit: 2, Continue: token})
	if err != nil && !apierrors.IsResourceExpired(err) {
		t.Fatal(err)
	}
	return err != nil
}
