// reloader rolls out a Deployment again when a ConfigMap that it mounts has changed: a controller
// that is for one type, and watches another.
//
//	go run ./examples/reloader [--kubeconfig FILE]
package main

import (
	"context"
	"flag"
	"log"
	"os/signal"
	"strings"
	"syscall"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

const (
	mounts   = "mounts" // the index: Deployments by the names of their ConfigMaps
	versions = "example.com/config-versions"
)

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	cfg, err := kubeconfig.Load(*path)
	exitOn(err)
	c, err := rest.NewClient(cfg)
	exitOn(err)
	factory := informer.NewFactory(c)
	deployments := informer.For[appsv1.Deployment](factory)
	exitOn(deployments.AddFieldIndex(mounts, "spec.template.spec.volumes[*].configMap.name"))
	configMaps := informer.For[corev1.ConfigMap](factory, informer.Drop("data", "binaryData"))

	users := func(m informer.Item[corev1.ConfigMap]) (keys []controller.Key) {
		q := informer.Query{Namespace: m.Namespace(), Index: mounts, Value: m.Name()}
		for d, err := range deployments.Lister().Items(q) {
			if err != nil {
				log.Printf("find the Deployments of configmap %s: %v", m.Key(), err)
				break
			}
			keys = append(keys, controller.Key{Namespace: d.Namespace(), Name: d.Name()})
		}
		return keys
	}
	reload := func(ctx context.Context, key controller.Key) (done controller.Result, err error) {
		d, err := deployments.Lister().Get(key.Namespace, key.Name)
		if err != nil {
			return done, client.IgnoreNotFound(err)
		}
		var mounted []string
		for _, v := range d.Spec.Template.Spec.Volumes {
			if v.ConfigMap == nil {
				continue
			}
			m, err := configMaps.Lister().Item(key.Namespace, v.ConfigMap.Name)
			if err == nil {
				mounted = append(mounted, m.Name()+"="+m.ResourceVersion())
			} else if client.IgnoreNotFound(err) != nil {
				return done, err
			}
		}
		now := strings.Join(mounted, " ")
		if d.Spec.Template.Annotations[versions] == now {
			return done, nil
		}
		_, err = client.Of[appsv1.Deployment](c).In(key.Namespace).Modify(ctx, key.Name,
			func(d *appsv1.Deployment) error {
				metav1.SetMetaDataAnnotation(&d.Spec.Template.ObjectMeta, versions, now)
				return nil
			})
		if err == nil {
			log.Printf("%s is rolled out with %s", key, now)
		}
		return done, client.IgnoreNotFound(err)
	}
	exitOn(controller.Run(ctx, factory, controller.New("reloader", reload,
		controller.For(deployments), controller.Watches(configMaps, users))))
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
