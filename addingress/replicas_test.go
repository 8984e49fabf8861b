//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/internal/leaders"
)

// fullRuns asks for client-go's timings and several rounds: make election.
const fullRuns = "SKIFF_ELECTION_FULL"

// Two replicas: one works, with probes and metrics, and the other one waits. When the leader is killed,
// or stopped for longer than the lease lasts, the other one takes over once the lease is over; when it
// is told to stop, at once. Services come and go all the time, so that the leader always has something
// to write. The API server's audit log is the judge.
//
// Normally this is one round with short timings; make election plays several with client-go's, and
// stops the leader for 60 seconds.
func TestTwoReplicas(t *testing.T) {
	rounds, limit, stopped := 1, 2*time.Minute, 5*time.Second
	j := leaders.Judge{LeaseDuration: 3 * time.Second, RetryPeriod: 500 * time.Millisecond, Slack: -1}
	timings := []string{"--leader-elect-lease-duration", "3s", "--leader-elect-renew-deadline", "2s",
		"--leader-elect-retry-period", "500ms"}
	if os.Getenv(fullRuns) != "" {
		rounds, limit, stopped, timings = 4, 30*time.Minute, time.Minute, nil
		j.LeaseDuration, j.RetryPeriod, j.Slack = 15*time.Second, 2*time.Second, 500*time.Millisecond
	}
	r := &replicas{t: t, limit: limit, timings: timings, cluster: startCluster(t), left: map[string]leaders.Left{}}
	r.shop = newShopFor(t, r.cluster, limit)
	first := r.start()
	metrics, probes, page := first.address(), first.address(), first.address()
	first.says(leads)
	second := r.start()
	second.address()
	waiting := second.address()
	second.says(waits)
	for url, want := range map[string]string{
		"http://" + probes + "/healthz":    "ok",
		"http://" + probes + "/readyz":     "ok",
		"http://" + waiting + "/readyz":    "ok", // its caches are warm
		"http://" + page + "/debug/skiff/": "<html",
	} {
		if body := first.get(url); !strings.Contains(body, want) {
			t.Errorf("%s does not have %q:\n%s", url, want, body)
		}
	}
	load := r.load()
	r.works("one")
	if body := first.get("http://" + metrics + "/metrics"); !strings.Contains(body,
		`controller_runtime_reconcile_total{controller="addingress",result="success"}`) {
		t.Errorf("metrics:\n%s", body)
	}
	for round := range rounds {
		t.Logf("round %d: %s is killed", round, first.name)
		first.leaves(leaders.Killed, syscall.SIGKILL)
		second.says(leads)
		first.ends()
		first, second = second, r.waits()
		r.works(fmt.Sprint("killed-", round))

		t.Logf("round %d: %s is stopped", round, first.name)
		first.leaves(leaders.Stopped, syscall.SIGSTOP)
		over := time.After(stopped)
		second.says(leads)
		third := r.waits()
		<-over
		first.signal(syscall.SIGCONT)
		if state := first.ends(); state.ExitCode() != exitError || !strings.Contains(first.logged(), "leadership lost") {
			t.Errorf("after SIGSTOP: %v\n%s", state, first.logged())
		}
		first, second = second, third
		r.works(fmt.Sprint("stopped-", round))

		t.Logf("round %d: %s is ended", round, first.name)
		first.leaves(leaders.Ended, syscall.SIGTERM)
		second.says(leads)
		if state := first.ends(); state.ExitCode() != exitOK {
			t.Errorf("after SIGTERM: %v\n%s", state, first.logged())
		}
		first, second = second, r.waits()
		r.works(fmt.Sprint("ended-", round))
	}
	load()
	for _, p := range []*replica{second, first} {
		p.signal(syscall.SIGTERM)
		if state := p.ends(); state.ExitCode() != exitOK {
			t.Errorf("%v\n%s", state, p.logged())
		}
	}

	j.Left, j.Who = r.left, func(e leaders.Entry) string { return r.named(e.ImpersonatedUser.Username) }
	entries, err := leaders.Read(auditArgs().log)
	if err != nil {
		t.Fatal(err)
	}
	v := j.Judge(entries)
	for _, change := range v.Changes {
		t.Log(change)
	}
	for _, problem := range v.Problems {
		t.Error(problem)
	}
	t.Logf("%d writes of %d leaders", v.Writes, len(v.Leaders))
	if want := 3*rounds + 1; len(v.Leaders) != want || v.Writes < 10*want {
		t.Errorf("want %d leaders with ten writes each, at the least", want)
	}
}

// What a replica logs when it leads, and when another one does.
const (
	leads = "this replica leads"
	waits = "another process leads"
)

// replicas are those of one addingress.
type replicas struct {
	t       *testing.T
	limit   time.Duration // of the test
	timings []string      // flags
	cluster *controlplane.Cluster
	shop    *shop
	started int
	left    map[string]leaders.Left
}

// A replica makes its requests under a name of its own, as the user of that name.
type replica struct {
	*process
	of   *replicas
	name string
}

// start starts a replica with the arguments of the manifest, on ports that are free.
func (r *replicas) start() *replica {
	r.t.Helper()
	r.started++
	name := fmt.Sprint(r.shop.namespace, "-replica-", r.started)
	_, container := image(r.t)
	args := slices.Concat(container.Args, []string{"--kubeconfig", r.kubeconfigOf(name), "--namespace", r.shop.namespace,
		"--instance", r.shop.namespace, "--leader-elect-namespace", r.shop.namespace, "--log-format", "text",
		"--metrics-address", "127.0.0.1:0", "--health-address", "127.0.0.1:0", "--debug-address", "127.0.0.1:0"}, r.timings)
	return &replica{startFor(r.t, r.limit, args...), r, name}
}

// waits starts a replica and returns it when it waits for the lease.
func (r *replicas) waits() *replica {
	r.t.Helper()
	p := r.start()
	p.says(waits)
	return p
}

// leaves sends a signal to the leader.
func (p *replica) leaves(how leaders.How, s syscall.Signal) {
	p.t.Helper()
	p.of.left[p.name] = leaders.Left{How: how, At: time.Now()}
	p.signal(s)
}

// named returns the name of a replica of the test whose user it is, otherwise "".
func (r *replicas) named(user string) string {
	if strings.HasPrefix(user, r.shop.namespace+"-replica-") {
		return user
	}
	return ""
}

// kubeconfigOf returns a kubeconfig whose user acts as the one of a name.
func (r *replicas) kubeconfigOf(user string) string {
	t := r.t
	t.Helper()
	data, err := os.ReadFile(r.cluster.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	var content map[string]any
	if err := yaml.Unmarshal(data, &content); err != nil {
		t.Fatal(err)
	}
	for _, entry := range content["users"].([]any) {
		as := entry.(map[string]any)["user"].(map[string]any)
		as["as"], as["as-groups"] = user, []string{"system:masters"}
	}
	if data, err = yaml.Marshal(content); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// works returns when a new Service has got its Ingress.
func (r *replicas) works(name string) {
	r.t.Helper()
	r.shop.expose(r.t, name)
	r.shop.hasIngress(r.t, name)
}

// load makes a Service ten times a second, and removes it two seconds later, until stop is called.
func (r *replicas) load() (stop func()) {
	ctx, cancel := context.WithCancel(r.shop.ctx)
	var running sync.WaitGroup
	running.Go(func() {
		ticks := time.NewTicker(100 * time.Millisecond)
		defer ticks.Stop()
		for n := 0; ; n++ {
			select {
			case <-ticks.C:
			case <-ctx.Done():
				return
			}
			err := r.shop.create(fmt.Sprint("load-", n))
			if err == nil && n >= 20 {
				err = r.shop.services.Delete(r.shop.ctx, fmt.Sprint("load-", n-20), metav1.DeleteOptions{})
			}
			if err != nil {
				r.t.Error(err)
				return
			}
		}
	})
	stop = func() {
		cancel()
		running.Wait()
	}
	r.t.Cleanup(stop)
	return stop
}
