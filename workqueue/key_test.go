package workqueue_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/workqueue"
)

func TestParseKeyIsTheInverseOfString(t *testing.T) {
	for _, key := range []workqueue.Key{{Name: "node-1"}, {Namespace: "default", Name: "web"}, {Namespace: "n", Name: "a.b:c"}} {
		if got, err := workqueue.ParseKey(key.String()); got != key || err != nil {
			t.Errorf("ParseKey(%q) = %+v, %v, want %+v", key.String(), got, err, key)
		}
	}
}

func TestParseKeyRefusesWhatIsNoKey(t *testing.T) {
	for _, s := range []string{"", "/", "/web", "default/", "a/b/c", "a//b"} {
		key, err := workqueue.ParseKey(s)
		if err == nil || key != (workqueue.Key{}) {
			t.Errorf("ParseKey(%q) = %+v, %v, want an error", s, key, err)
			continue
		}
		if want := fmt.Sprintf("workqueue: parse key %q: ", s); !strings.HasPrefix(err.Error(), want) {
			t.Errorf("the error is %q, want it to begin with %q", err, want)
		}
	}
}

func ExampleParseKey() {
	key, err := workqueue.ParseKey("default/web")
	fmt.Println(key.Namespace, key.Name, err)
	_, err = workqueue.ParseKey("default/web/status")
	fmt.Println(err)
	// Output:
	// default web <nil>
	// workqueue: parse key "default/web/status": want "namespace/name" or "name"
}
