package skifftest_test

import (
	"context"
	"flag"
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/skifftest"
)

// scaleUp is the code under test.
func scaleUp(ctx context.Context, c *rest.Client, namespace, name string) error {
	_, err := client.Of[appsv1.Deployment](c).In(namespace).Modify(ctx, name, func(d *appsv1.Deployment) error {
		n := int32(1)
		if d.Spec.Replicas != nil {
			n = *d.Spec.Replicas + 1
		}
		d.Spec.Replicas = &n
		return nil
	})
	return err
}

// A test puts what there is into the server, runs the code, and looks at what the server has.
func ExampleNew() {
	test := func(t *testing.T) {
		web := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop"}}
		s := skifftest.New(t, web)
		c, err := rest.NewClient(s.Config())
		if err != nil {
			t.Fatal(err)
		}
		if err := scaleUp(t.Context(), c, "shop", "web"); err != nil {
			t.Fatal(err)
		}
		fmt.Println("replicas:", *skifftest.Get[appsv1.Deployment](s, "shop", "web").Spec.Replicas)
	}
	runTest("ExampleNew", test)
	// Output: replicas: 1
}

// FailNth shows how the code under test copes with a server that fails.
func ExampleServer_FailNth() {
	test := func(t *testing.T) {
		web := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop"}}
		s := skifftest.New(t, web)
		c, err := rest.NewClient(s.Config())
		if err != nil {
			t.Fatal(err)
		}
		s.FailNth("get", "deployments.apps", 1, apierrors.NewForbidden(
			appsv1.Resource("deployments"), "web", fmt.Errorf("not today")))
		fmt.Println("forbidden:", apierrors.IsForbidden(scaleUp(t.Context(), c, "shop", "web")))
		for _, call := range s.Calls() {
			fmt.Println(call.Verb, call.On(), call.Namespace, call.Name, call.Code)
		}
	}
	runTest("ExampleServer_FailNth", test)
	// Output:
	// forbidden: true
	// get deployments.apps shop web 403
}

// runTest runs a test within an example, whatever go test's -run and -skip choose. It is quiet: what
// -v and -json print of a test would count as the example's output.
func runTest(name string, test func(*testing.T)) {
	verbose := flag.Lookup("test.v").Value
	was := verbose.String()
	verbose.Set("false")
	defer verbose.Set(was)
	skip := flag.Lookup("test.skip").Value.String()
	testing.RunTests(func(pattern, _ string) (bool, error) { return pattern != skip || skip == "", nil },
		[]testing.InternalTest{{Name: name, F: test}})
}
