//go:build unix

package election_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/internal/leaders"
	"github.com/skiff-k8s/skiff/rest"
)

// Three processes on a real control plane, whose audit log is the judge: the leader is killed, stopped
// for longer than the Lease lasts and continued, and ended; the API server is restarted.
//
// Normally this is one round with short timings; make election plays ten rounds with client-go's.
func TestNeverTwoLeadersLive(t *testing.T) {
	rounds, fast := 1, true
	if os.Getenv(fullRuns) != "" {
		rounds, fast = 10, false
	}
	args, audit, err := leaders.Log(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cluster := controlplane.New(t, controlplane.WithAPIServerArgs(args...))
	answersAreLost(t, cluster)
	s := &stage{t: t, cluster: cluster, namespace: cluster.Namespace(t), fast: fast}
	s.leases = client.Of[coordinationv1.Lease](must(rest.NewClient(cluster.Config()))(t)).In(s.namespace)
	for range 3 {
		s.enter()
	}
	lasts := processOptions("", "", fast).LeaseDuration
	if lasts == 0 {
		lasts = 15 * time.Second
	}
	for round := range rounds {
		leader := s.leader("")
		t.Logf("round %d: %s is killed", round, leader.identity)
		s.leave(leader, leaders.Killed)
		leader.signal(t, syscall.SIGKILL, true)
		leader = s.leader(leader.identity)

		t.Logf("round %d: %s is stopped", round, leader.identity)
		s.leave(leader, leaders.Stopped)
		leader.signal(t, syscall.SIGSTOP, false)
		if stopped := leader; fast {
			leader = s.leader(stopped.identity)
			stopped.signal(t, syscall.SIGCONT, true)
		} else {
			time.Sleep(4 * lasts) // 60 s
			leader = s.leader(stopped.identity)
			stopped.signal(t, syscall.SIGCONT, true)
		}

		t.Logf("round %d: %s is ended", round, leader.identity)
		s.leave(leader, leaders.Ended)
		leader.signal(t, syscall.SIGTERM, true)
		s.leader(leader.identity)

		t.Logf("round %d: the API server restarts", round)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		err := cluster.RestartAPIServer(ctx)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
	}
	s.leader("")
	for _, p := range s.processes {
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	s.judge(audit, lasts)
}

// A Lease of the real API server is released also if the answer to its creation was lost, by a candidate
// that is ended and by a leader; and each term's token is greater than the one before.
func answersAreLost(t *testing.T, cluster *controlplane.Cluster) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	namespace, tokens := cluster.Namespace(t), []uint64{0}
	leases := client.Of[coordinationv1.Lease](must(rest.NewClient(cluster.Config()))(t)).In(namespace)
	for _, leader := range []bool{false, true, true} {
		var lose atomic.Bool
		lost := make(chan struct{})
		cfg := cluster.Config()
		cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				resp, err := next.RoundTrip(req)
				if err == nil && req.Method == http.MethodPost && lose.CompareAndSwap(true, false) {
					_ = resp.Body.Close()
					defer close(lost)
					return nil, io.ErrUnexpectedEOF
				}
				return resp, err
			})
		})
		lose.Store(!leader)
		r := run(t, cfg, processOptions(namespace, "a", true))
		if leader {
			select {
			case <-r.leads:
			case <-ctx.Done():
				t.Fatal("nobody leads")
			}
			if token := r.Status().Token; token <= tokens[len(tokens)-1] {
				t.Errorf("the token %d, after %d", token, tokens)
			} else {
				tokens = append(tokens, token)
			}
			lose.Store(true)
			if err := leases.Delete(ctx, "lock", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case <-lost:
		case <-ctx.Done():
			t.Fatal("the Lease was not created")
		}
		if err := r.end(); err != nil {
			t.Error(err)
		}
		if l, err := leases.Get(ctx, "lock", metav1.GetOptions{}); err != nil || holderOf(l) != "" {
			t.Errorf("a leader %v: %v, %+v", leader, err, l)
		}
		if !leader {
			if err := leases.Delete(ctx, "lock", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// stage is where the processes compete.
type stage struct {
	t         *testing.T
	cluster   *controlplane.Cluster
	namespace string
	fast      bool
	leases    *client.Client[coordinationv1.Lease]
	processes []*process
	entered   int
	left      map[string]leaders.Left // by identity
}

func (s *stage) enter() {
	s.entered++
	s.processes = append(s.processes, startProcess(s.t, s.cluster.Kubeconfig(), s.namespace,
		fmt.Sprint("process-", s.entered), s.fast))
}

// leave takes a process from those that compete, and starts another in its place.
func (s *stage) leave(p *process, how leaders.How) {
	if s.left == nil {
		s.left = map[string]leaders.Left{}
	}
	s.left[p.identity] = leaders.Left{How: how, At: time.Now()}
	s.processes = slices.DeleteFunc(s.processes, func(q *process) bool { return q == p })
	s.enter()
}

// leader waits until a process other than before leads. A process that has lost its leadership ends, and
// another is started in its place.
func (s *stage) leader(before string) *process {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	for ; ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		for _, p := range slices.Clone(s.processes) {
			if p.hasEnded() {
				s.leave(p, leaders.Lost)
			}
		}
		l, err := s.leases.Get(ctx, "lock", metav1.GetOptions{})
		if err != nil || holderOf(l) == before || time.Since(l.Spec.RenewTime.Time) > time.Second {
			continue
		}
		for _, p := range s.processes {
			if p.identity == holderOf(l) {
				return p
			}
		}
	}
	s.t.Fatalf("nobody leads after %s", before)
	return nil
}

// judge fails the test unless the processes kept what package leaders judges by.
func (s *stage) judge(audit string, lasts time.Duration) {
	t := s.t
	j := leaders.Judge{Left: s.left, LeaseDuration: lasts, RetryPeriod: 2 * time.Second, Slack: 500 * time.Millisecond,
		Who: func(e leaders.Entry) string {
			if strings.HasPrefix(e.UserAgent, "process-") {
				return e.UserAgent
			}
			return ""
		}}
	if s.fast {
		j.RetryPeriod, j.Slack = 400*time.Millisecond, -1
	}
	v := j.Judge(must(leaders.Read(audit))(t))
	for _, change := range v.Changes {
		t.Log(change)
	}
	for _, problem := range v.Problems {
		t.Error(problem)
	}
	t.Logf("%d writes of %d leaders", v.Writes, len(v.Leaders))
	if least := 4; len(v.Leaders) < least || v.Writes < 5*least {
		t.Error("too little happened for this test to judge by")
	}
}
