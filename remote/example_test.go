package remote_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/remote"
	"github.com/skiff-k8s/skiff/rest"
)

var (
	ctx = context.Background()
	c   *rest.Client // of rest.NewClient
)

// A command gets its input, and its exit code is an error.
func ExampleExec() {
	err := remote.Exec(ctx, c, "default", "web-0", []string{"tar", "x", "-C", "/data"}, remote.Session{
		Container: "app",
		Stdin:     os.Stdin,
		Stderr:    os.Stderr,
	})
	if exit, ok := errors.AsType[*remote.ExitError](err); ok {
		os.Exit(exit.Code)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// A program writes to the process that a container runs, and reads what it answers.
func ExampleAttach() {
	err := remote.Attach(ctx, c, "default", "web-0", remote.Session{
		Stdin: os.Stdin, Stdout: os.Stdout, TTY: true,
	})
	if err != nil {
		log.Fatal(err)
	}
}

// The last lines of a container's log, and then what it writes, until it ends.
func ExampleLog() {
	stream, err := remote.Log(ctx, c, "default", "web-0", corev1.PodLogOptions{
		Follow: true, TailLines: new(int64(10)),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer stream.Close()
	if _, err := io.Copy(os.Stdout, stream); err != nil {
		log.Fatal(err)
	}
}

// The logs of all pods of a Deployment, each line with its pod and container.
func ExampleLogs() {
	set := remote.LogSet{Selector: "app=web"}
	if err := remote.Logs(ctx, c, "default", set, corev1.PodLogOptions{Follow: true}, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// A client of any protocol connects to a port of a pod.
func ExampleDialPort() {
	conn, err := remote.DialPort(ctx, c, "default", "redis-0", 6379)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "PING\r\n")
}

// A local port leads to a pod until ctx ends.
func ExampleForward() {
	f, err := remote.Forward(ctx, c, "default", "web-0", remote.ForwardOptions{Ports: []string{":80"}})
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range f.Ports() {
		fmt.Printf("forwarding %s to port %d\n", p.Local, p.Port)
	}
	if err := f.Run(ctx); err != nil {
		log.Fatal(err)
	}
}

// An HTTP client sends its requests through the API server to a service.
func ExampleServiceProxy() {
	web := &http.Client{Transport: remote.ServiceProxy(c, "default", "web:80")}
	resp, err := web.Get("http://web/metrics")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
}
