// Package leaders judges an election in a test: who led when, and who wrote when, by the audit log of
// the real API server.
package leaders

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// policy logs each write, and the Leases themselves.
const policy = `{"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": [
	{"level": "None", "verbs": ["get", "list", "watch"]},
	{"level": "None", "resources": [{"group": "authentication.k8s.io"}, {"group": "authorization.k8s.io"}]},
	{"level": "Request", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}]},
	{"level": "Metadata"}]}`

// Log makes a policy in a folder, and returns the arguments with which an API server writes its audit
// log, and the file that it writes.
func Log(dir string) (args []string, file string, err error) {
	at := filepath.Join(dir, "policy.json")
	if err := os.WriteFile(at, []byte(policy), 0o600); err != nil {
		return nil, "", err
	}
	file = filepath.Join(dir, "audit.log")
	return []string{"--audit-policy-file=" + at, "--audit-log-path=" + file, "--audit-log-mode=blocking"}, file, nil
}

// Entry is a line of the audit log: a write that the API server has answered. Source: Kubernetes API
// reference, audit.k8s.io/v1, Event.
type Entry struct {
	Verb             string
	UserAgent        string
	ImpersonatedUser struct{ Username string }
	ObjectRef        struct{ Resource, Namespace, Name string }

	ResponseStatus           struct{ Code int }
	RequestReceivedTimestamp metav1.MicroTime
	RequestObject            json.RawMessage // of a Lease
}

// Read returns the entries of a log in the order in which the API server received the requests.
func Read(file string) (entries []Entry, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e Entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("read %s: %w: %s", file, err, lines.Bytes())
		}
		entries = append(entries, e)
	}
	slices.SortStableFunc(entries, func(a, b Entry) int {
		return a.RequestReceivedTimestamp.Compare(b.RequestReceivedTimestamp.Time)
	})
	return entries, lines.Err()
}

// lease returns the record that the request writes, nil if it is no Lease.
func (e Entry) lease() *coordinationv1.LeaseSpec {
	var l coordinationv1.Lease
	if e.ObjectRef.Resource != "leases" || json.Unmarshal(e.RequestObject, &l) != nil {
		return nil
	}
	return &l.Spec
}

// done reports whether the server carried the write out.
func (e Entry) done() bool { return e.ResponseStatus.Code/100 == 2 }
