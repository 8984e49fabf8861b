package controller_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
)

// A controller on a server that has one ConfigMap. It stops itself after the first reconcile.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(serveOneConfigMap))
	defer server.Close()
	c, err := rest.NewClient(&rest.Config{Host: server.URL})
	if err != nil {
		panic(err)
	}
	factory := informer.NewFactory(c, informer.JSON())
	configMaps := informer.For[corev1.ConfigMap](factory)

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	reconcile := func(ctx context.Context, key controller.Key) (controller.Result, error) {
		cm, err := configMaps.Lister().Get(key.Namespace, key.Name)
		if err != nil { // nothing is left to do for an object that is gone
			return controller.Result{}, client.IgnoreNotFound(err)
		}
		fmt.Println(key, "says", cm.Data["greeting"])
		stop()
		return controller.Result{}, nil
	}
	err = controller.Run(ctx, factory, controller.New("greeter", reconcile,
		controller.For(configMaps), controller.Logger(slog.New(slog.DiscardHandler))))
	fmt.Println("Run returns", err)
	// Output:
	// shop/web says hello
	// Run returns <nil>
}

// serveOneConfigMap answers a watch-list: what exists, the end of the list, then silence.
func serveOneConfigMap(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintln(w, `{"type":"ADDED","object":{"apiVersion":"v1","kind":"ConfigMap","metadata":`+
		`{"namespace":"shop","name":"web","uid":"1","resourceVersion":"7"},"data":{"greeting":"hello"}}}`)
	fmt.Fprintln(w, `{"type":"BOOKMARK","object":{"apiVersion":"v1","kind":"ConfigMap","metadata":`+
		`{"resourceVersion":"8","annotations":{"k8s.io/initial-events-end":"true"}}}}`)
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

// A controller whose keys are zones: each change of a Node, and each zone that another system names,
// reconciles a zone as a whole.
func ExampleNewKeyed() {
	type zone string
	var nodes *informer.Informer[corev1.Node] // informer.For[corev1.Node](factory)
	alarms := make(chan zone)                 // another system sends to it
	reconcile := func(ctx context.Context, z zone) (controller.Result, error) {
		return controller.Result{RequeueAfter: time.Hour}, nil
	}
	controller.NewKeyed("zones", reconcile,
		controller.Watches(nodes, func(n informer.Item[corev1.Node]) []zone {
			return []zone{zone(n.Labels().Get(corev1.LabelTopologyZone))}
		}),
		controller.Channel(alarms))
}

// A reconcile that reports in the object's status what it has done.
func ExampleStatus() {
	var services *informer.Informer[corev1.Service] // informer.For[corev1.Service](factory)
	var c *client.Client[corev1.Service]            // client.Of[corev1.Service](rest)
	reconcile := func(ctx context.Context, key controller.Key) (done controller.Result, err error) {
		svc, err := services.Lister().Get(key.Namespace, key.Name)
		if err != nil {
			return done, client.IgnoreNotFound(err)
		}
		_, err = controller.Status(ctx, c, svc, metav1.Condition{
			Type: "example.com/Exposed", Status: metav1.ConditionTrue, Reason: "IngressCreated"})
		return done, err
	}
	controller.New("exposed", reconcile, controller.For(services))
}

// A span around each reconcile. The Reconcile's own requests are in it, because they are made with
// its context.
func ExampleObserver() {
	type span struct{ began time.Time }
	type spanKey struct{}
	tracing := controller.Observer{
		Reconcile: func(ctx context.Context, key any) (context.Context, func(controller.Outcome)) {
			s := &span{time.Now()}
			return context.WithValue(ctx, spanKey{}, s), func(o controller.Outcome) {
				slog.Info("span", "key", fmt.Sprint(key), "began", s.began, "result", o.Label(), "error", o.Err)
			}
		},
	}
	var reconcile controller.Reconcile
	controller.New("apps", reconcile, controller.Observe(tracing))
}

// Only changes of the specification and of the label app are reconciled, and only of Deployments
// that have that label.
func ExampleSource_When() {
	var deployments *informer.Informer[appsv1.Deployment] // informer.For[appsv1.Deployment](factory)
	var reconcile controller.Reconcile
	source := controller.For(deployments).
		When(controller.Or(controller.GenerationChanged, controller.LabelChanged("app"))).
		Where(func(d informer.Item[appsv1.Deployment]) bool { return d.Labels().Has("app") })
	controller.New("apps", reconcile, source)
}
