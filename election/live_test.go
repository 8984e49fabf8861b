//go:build unix

package election_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/skifftest/controlplane"
)

const auditPolicy = `{"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": [
	{"level": "Metadata", "verbs": ["create", "update"], "resources": [{"resources": ["configmaps"]},
		{"group": "coordination.k8s.io", "resources": ["leases"]}]},
	{"level": "None"}]}`

// Three processes on a real control plane, whose audit log is the judge: the leader is killed, stopped
// for longer than the Lease lasts and continued, and ended; the API server is restarted.
//
// Normally this is one round with short timings; make election plays ten rounds with client-go's.
func TestNeverTwoLeadersLive(t *testing.T) {
	rounds, fast := 1, true
	if os.Getenv(fullRuns) != "" {
		rounds, fast = 10, false
	}
	dir := t.TempDir()
	policy, audit := filepath.Join(dir, "policy.json"), filepath.Join(dir, "audit.log")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	cluster := controlplane.New(t, controlplane.WithAPIServerArgs(
		"--audit-policy-file="+policy, "--audit-log-path="+audit, "--audit-log-mode=blocking"))
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
		leader.signal(t, syscall.SIGKILL, true)
		s.leave(leader, "killed")
		leader = s.leader(leader.identity)

		t.Logf("round %d: %s is stopped", round, leader.identity)
		leader.signal(t, syscall.SIGSTOP, false)
		s.leave(leader, "stopped")
		if stopped := leader; fast {
			leader = s.leader(stopped.identity)
			stopped.signal(t, syscall.SIGCONT, true)
		} else {
			time.Sleep(4 * lasts) // 60 s
			leader = s.leader(stopped.identity)
			stopped.signal(t, syscall.SIGCONT, true)
		}

		t.Logf("round %d: %s is ended", round, leader.identity)
		leader.signal(t, syscall.SIGTERM, true)
		s.leave(leader, "ended")
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
	s.judge(readAudit(t, audit), lasts)
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
	left      map[string]string // how a leader left, by its identity
}

func (s *stage) enter() {
	s.entered++
	s.processes = append(s.processes, startProcess(s.t, s.cluster.Kubeconfig(), s.namespace,
		fmt.Sprint("process-", s.entered), s.fast))
}

// leave takes a process from those that compete, and starts another in its place.
func (s *stage) leave(p *process, how string) {
	if s.left == nil {
		s.left = map[string]string{}
	}
	s.left[p.identity] = how
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
				s.leave(p, "lost")
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

// auditEvent is a line of the audit log.
type auditEvent struct {
	UserAgent string
	Verb      string
	ObjectRef struct{ Resource, Namespace, Name string }

	ResponseStatus           struct{ Code int }
	RequestReceivedTimestamp metav1.MicroTime
}

func readAudit(t *testing.T, file string) (events []auditEvent) {
	t.Helper()
	f := must(os.Open(file))(t)
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e auditEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("%v: %s", err, lines.Bytes())
		}
		if strings.HasPrefix(e.UserAgent, "process-") {
			events = append(events, e)
		}
	}
	slices.SortFunc(events, func(a, b auditEvent) int {
		return a.RequestReceivedTimestamp.Compare(b.RequestReceivedTimestamp.Time)
	})
	return events
}

// judge fails the test unless each process wrote in one piece, and took the Lease over in time. Each
// process leads once: it ends when it has led.
func (s *stage) judge(events []auditEvent, lasts time.Duration) {
	t := s.t
	var order []string // of those that wrote
	last := map[string]time.Time{}
	renewed := map[string]time.Time{} // the last time that the Lease was written, by process
	holder := ""
	writes := 0
	for _, e := range events {
		at := e.RequestReceivedTimestamp.Time
		if e.ObjectRef.Resource == "configmaps" {
			writes++
			if last[e.UserAgent].IsZero() {
				order = append(order, e.UserAgent)
			} else if newest := order[len(order)-1]; newest != e.UserAgent {
				t.Errorf("a write of %s came at %v, after the first of %s", e.UserAgent, at, newest)
			}
			last[e.UserAgent] = at
			continue
		}
		if e.ResponseStatus.Code/100 != 2 {
			continue
		}
		if before := renewed[holder]; holder != e.UserAgent && holder != "" {
			took := at.Sub(before)
			t.Logf("%s took over from %s (%s) after %v", e.UserAgent, holder, s.left[holder], took)
			period := 400 * time.Millisecond
			if !s.fast {
				period = 2 * time.Second
			}
			const slack = 500 * time.Millisecond // the request, on a machine that does other things
			switch how := s.left[holder]; {
			case how == "ended" && !s.fast && took > period+slack,
				(how == "killed" || how == "stopped") && took < lasts,
				(how == "killed" || how == "stopped") && !s.fast && took > lasts+22*period/10+slack:
				t.Errorf("%s took over from %s (%s) after %v", e.UserAgent, holder, how, took)
			}
		}
		holder = e.UserAgent
		renewed[holder] = at
	}
	t.Logf("%d writes of %d leaders", writes, len(order))
	if least := 4; len(order) < least || writes < 5*least {
		t.Errorf("too little happened for this test to judge by")
	}
}
