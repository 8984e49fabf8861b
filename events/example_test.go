package events_test

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/events"
)

// A test of what records Events looks at them in a Fake.
func Example() {
	fake := &events.Fake{}
	recorder, err := events.NewTo(fake, events.Options{Controller: "example.com/budgets"})
	if err != nil {
		fmt.Println(err)
		return
	}
	web := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	recorder.Warning(web, "NoPods", "CountPods", "%d of %d replicas are ready", 0, 3)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = recorder.Run(ctx) // writes what is queued, and returns
	fmt.Print(fake)
	// Output: Warning NoPods Deployment shop/web: 0 of 3 replicas are ready
}
