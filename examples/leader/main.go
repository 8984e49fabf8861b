// leader runs in several copies, of which one works at a time: it keeps the ConfigMap "heartbeat"
// of a namespace up to date. The write is fenced: a copy that was suspended while another took over
// does not send it.
//
//	go run ./examples/leader [--kubeconfig FILE] [--namespace NAMESPACE]
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os/signal"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/election"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	namespace := flag.String("namespace", "default", "`namespace` of the Lease and the ConfigMap")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	cfg, err := kubeconfig.Load(*path)
	exitOn(err)
	elector, err := election.New(cfg, election.Options{
		Namespace:   *namespace,
		Name:        "heartbeat",
		OnNewLeader: func(identity string) { fmt.Println("leader:", identity) },
	})
	exitOn(err)
	fmt.Println("this process:", elector.Identity())
	c, err := rest.NewClient(elector.Fence(cfg))
	exitOn(err)
	maps := client.Of[corev1.ConfigMap](c).In(*namespace)
	exitOn(elector.Run(ctx, func(ctx context.Context) error {
		for ctx.Err() == nil {
			beat := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "heartbeat"}}
			beat.Data = map[string]string{"by": elector.Identity()}
			_, err := maps.Apply(ctx, beat, metav1.ApplyOptions{FieldManager: "heartbeat", Force: true})
			if err != nil {
				log.Println(err)
			}
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
		return nil
	}))
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
