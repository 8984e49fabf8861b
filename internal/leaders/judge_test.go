package leaders

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// script is an audit log in a few words: "a renews", "a writes", "a releases", "a fails to renew", each
// with the seconds since epoch before it.
func script(t *testing.T, lines ...string) []Entry {
	t.Helper()
	var log strings.Builder
	for _, line := range lines {
		var seconds float64
		var who, what string
		if _, err := fmt.Sscan(line, &seconds, &who, &what); err != nil {
			t.Fatal(err)
		}
		at := metav1.NewMicroTime(epoch.Add(time.Duration(seconds * float64(time.Second))))
		stamp := at.Format(metav1.RFC3339Micro)
		resource, code, object := "leases", 200, fmt.Sprintf(`{"spec": {"holderIdentity": %q, "renewTime": %q}}`, who, stamp)
		switch what {
		case "writes":
			resource, object = "configmaps", "null"
		case "releases":
			object = fmt.Sprintf(`{"spec": {"holderIdentity": "", "renewTime": %q}}`, stamp)
		case "fails":
			code = 409
		}
		fmt.Fprintf(&log, `{"verb": "update", "userAgent": %q, "objectRef": {"resource": %q}, "responseStatus": {"code": %d},
			"requestReceivedTimestamp": %q, "requestObject": %s}`+"\n", who, resource, code, stamp, object)
	}
	file := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(log.String(), ",\n", ",")), 0o600); err != nil {
		t.Fatal(err)
	}
	entries, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func TestJudge(t *testing.T) {
	left := func(how How) map[string]Left { return map[string]Left{"a": {How: how, At: epoch}} }
	for _, test := range []struct {
		name    string
		left    map[string]Left
		slack   time.Duration
		log     []string
		problem string // a part of it; "" means none
	}{
		{"in time", left(Killed), 0, []string{"0 a renews", "1 a writes", "15 b renews", "16 b writes"}, ""},
		{"at the last moment", left(Stopped), 0, []string{"0 a renews", "19.4 b renews", "20 a fails"}, ""},
		{"too early", left(Killed), 0, []string{"0 a renews", "14.999999 b renews"}, "less than 15s"},
		{"too late", left(Stopped), 0, []string{"0 a renews", "19.400001 b renews"}, "more than 19.4s"},
		{"slack", left(Stopped), time.Second, []string{"0 a renews", "20.4 b renews"}, ""},
		{"more than slack", left(Stopped), time.Second, []string{"0 a renews", "20.400001 b renews"}, "more than 19.4s"},
		{"never late", left(Stopped), -1, []string{"0 a renews", "60 b renews"}, ""},
		{"early, though never late", left(Stopped), -1, []string{"0 a renews", "14 b renews"}, "less than 15s"},
		{"released", left(Ended), 0, []string{"0 a renews", "1 a releases", "3 b renews"}, ""},
		{"released long before", left(Ended), 0, []string{"0 a renews", "1 a releases", "3.000001 b renews"}, "more than 2s"},
		{"lost", left(Lost), 0, []string{"0 a renews", "40 b renews"}, ""},
		{"order of receipt", left(Killed), 0, []string{"15 b renews", "16 b writes", "0 a renews", "14 a writes"}, ""},
		{"a write of the one before", left(Stopped), 0, []string{"0 a renews", "15 b renews", "15.1 a writes", "16 b writes"}, `by a was received`},
		{"a write after the release", left(Ended), 0, []string{"0 a renews", "1 a releases", "1.1 a writes"}, "after its release"},
		{"a write of nobody", left(Killed), 0, []string{"0 c writes"}, `when "" had the Lease`},
		{"back again", left(Killed), 0, []string{"0 a renews", "15 b renews", "40 a renews"}, "a has the Lease again"},
	} {
		v := Judge{Who: func(e Entry) string { return e.UserAgent }, Left: test.left,
			LeaseDuration: 15 * time.Second, RetryPeriod: 2 * time.Second, Slack: test.slack}.Judge(script(t, test.log...))
		if all := strings.Join(v.Problems, "\n"); (test.problem == "") != (all == "") || !strings.Contains(all, test.problem) {
			t.Errorf("%s: %q, want %q", test.name, all, test.problem)
		}
	}
}

func TestVerdict(t *testing.T) {
	v := Judge{Who: func(e Entry) string { return strings.TrimPrefix(e.UserAgent, "other") },
		Left:          map[string]Left{"a": {Killed, epoch.Add(time.Second)}},
		LeaseDuration: 15 * time.Second, RetryPeriod: 2 * time.Second,
	}.Judge(script(t, "0 a renews", "4 a writes", "7 other writes", "16 b renews", "17 b writes", "17 b writes"))
	if len(v.Problems) > 0 || v.Writes != 3 || fmt.Sprint(v.Leaders) != "[a b]" ||
		len(v.Changes) != 1 || v.Changes[0] != (Takeover{"a", "b", Killed, 16 * time.Second, 15 * time.Second, 4 * time.Second}) {
		t.Errorf("%+v", v)
	}
}
