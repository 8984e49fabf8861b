//go:build unix

package election_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/election"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

// Environment variables that make the test binary one of the processes that compete.
const (
	envKubeconfig = "SKIFF_ELECTION_KUBECONFIG"
	envNamespace  = "SKIFF_ELECTION_NAMESPACE"
	envIdentity   = "SKIFF_ELECTION_IDENTITY"
	envFast       = "SKIFF_ELECTION_FAST"
)

func TestMain(m *testing.M) {
	if os.Getenv(envKubeconfig) == "" {
		controlplane.Main(m)
	}
	if err := compete(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// processOptions are those of the processes: client-go's timings, or a fifth of them.
func processOptions(namespace, identity string, fast bool) election.Options {
	o := election.Options{Namespace: namespace, Name: "lock", Identity: identity}
	if fast {
		o.LeaseDuration, o.RenewDeadline, o.RetryPeriod = 3*time.Second, 2*time.Second, 400*time.Millisecond
	}
	return o
}

// compete is a process whose leading function writes ten times a second, and goes on to try so for two
// seconds when leadership has ended, however it ended.
func compete() error {
	cfg, err := kubeconfig.Load(os.Getenv(envKubeconfig))
	if err != nil {
		return err
	}
	identity, namespace := os.Getenv(envIdentity), os.Getenv(envNamespace)
	cfg.UserAgent = identity
	e, err := election.New(cfg, processOptions(namespace, identity, os.Getenv(envFast) != ""))
	if err != nil {
		return err
	}
	c, err := rest.NewClient(e.Fence(cfg))
	if err != nil {
		return err
	}
	maps := client.Of[corev1.ConfigMap](c).In(namespace)
	over := make(chan struct{})
	write := func() {
		for n := 0; ; n++ {
			m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint(identity, "-", n)}}
			_, err := maps.Create(context.Background(), m, metav1.CreateOptions{})
			if err != nil && !errors.As(err, new(*election.NotLeadingError)) {
				fmt.Fprintln(os.Stderr, identity, err)
			}
			select {
			case <-over:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	err = e.Run(ctx, func(ctx context.Context) error {
		go write()
		<-ctx.Done()
		return nil
	})
	time.Sleep(2 * time.Second)
	close(over)
	return err
}

// process is one that competes.
type process struct {
	identity string
	cmd      *exec.Cmd
	ended    chan struct{}
}

func startProcess(t *testing.T, kubeconfig, namespace, identity string, fast bool) *process {
	t.Helper()
	self := must(os.Executable())(t)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), envKubeconfig+"="+kubeconfig, envNamespace+"="+namespace, envIdentity+"="+identity)
	if fast {
		cmd.Env = append(cmd.Env, envFast+"=1")
	}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{identity, cmd, make(chan struct{})}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.ended
	})
	return p
}

// signal sends a signal, and waits for the end of the process if wait is set.
func (p *process) signal(t *testing.T, s syscall.Signal, wait bool) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatalf("%v to %s: %v", s, p.identity, err)
	}
	if wait {
		<-p.ended
	}
}

func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}
