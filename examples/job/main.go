// job runs a command as a Job, waits until it is done, prints what its pods have written, and
// deletes it.
//
//	go run ./examples/job [--kubeconfig FILE] [--namespace NAME] [--image IMAGE] COMMAND…
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/client/wait"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/remote"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	namespace := flag.String("namespace", "default", "the `namespace`")
	image := flag.String("image", "busybox", "the `image` of the container")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: job [flags] COMMAND…")
		os.Exit(2)
	}
	cfg, err := kubeconfig.Load(*path)
	exitOn(err)
	c, err := rest.NewClient(cfg)
	exitOn(err)
	exitOn(run(c, *namespace, *image, flag.Args()))
}

func run(c *rest.Client, namespace, image string, command []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	jobs := client.Of[batchv1.Job](c).In(namespace)
	job, err := jobs.Create(ctx, &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "run-"},
		Spec: batchv1.JobSpec{
			BackoffLimit: new(int32(0)),
			Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
				RestartPolicy: corev1.RestartPolicyNever,
				Containers:    []corev1.Container{{Name: "run", Image: image, Command: command}},
			}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	fmt.Println("created", job.Name)
	defer func() { // the pods go with it
		background := metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationBackground)}
		if err := jobs.Delete(context.WithoutCancel(ctx), job.Name, background); err != nil {
			log.Printf("delete job %s: %v; it stays", job.Name, err)
		}
	}()
	_, failed := jobs.WaitFor(ctx, job.Name, wait.JobDone()) // a Job that fails is an error
	set := remote.LogSet{Selector: batchv1.JobNameLabel + "=" + job.Name}
	if err := remote.Logs(ctx, c, namespace, set, corev1.PodLogOptions{}, os.Stdout); err != nil {
		return err
	}
	return failed
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
