package dynamic_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/kind"
)

// installed applies the definition of widgets in a group.
func installed(t *testing.T, d *dynamic.Client, text string) *unstructured.Unstructured {
	t.Helper()
	c := connect(t)
	all, err := dynamic.ApplyAll(soon(t), d, discovery.NewMapper(discovery.New(c)), stream(text), dynamic.ApplyAllOptions{FieldManager: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return all[0].Stored
}

// After WaitServed the first request for the resource succeeds.
func TestWaitServed(t *testing.T) {
	c := connect(t)
	d := dynamic.New(c)
	for _, group := range []string{"a.served.skiff.example.com", "b.served.skiff.example.com", "c.served.skiff.example.com"} {
		u := installed(t, d, definitionYAML(group, "v1"))
		if err := dynamic.WaitServed(soon(t), d, u); err != nil {
			t.Fatal(err)
		}
		if err := c.Get().AbsPath("/apis/" + group + "/v1/widgets").MaxRetries(-1).Do(soon(t)).Error(); err != nil {
			t.Errorf("%s: %v", group, err)
		}
	}
}

// Names that are taken end the wait at once, and a version that nobody serves ends it with the
// context.
func TestWaitServedEnds(t *testing.T) {
	c := connect(t)
	d := dynamic.New(c)
	const group = "names.served.skiff.example.com"
	first := installed(t, d, definitionYAML(group, "v1"))
	if err := dynamic.WaitServed(soon(t), d, first); err != nil {
		t.Fatal(err)
	}
	second := installed(t, d, strings.NewReplacer("widgets.", "others.", "plural: widgets", "plural: others").Replace(definitionYAML(group, "v1")))
	err := dynamic.WaitServed(t.Context(), d, second)
	if err == nil || !strings.Contains(err.Error(), "others."+group+": its names are not accepted: ") {
		t.Errorf("names that are taken: %v", err)
	}

	never := first.DeepCopy()
	versions, _, _ := unstructured.NestedSlice(never.Object, "spec", "versions")
	versions[0].(map[string]any)["name"] = "v7"
	_ = unstructured.SetNestedSlice(never.Object, versions, "spec", "versions")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 300*time.Millisecond, errors.New("enough"))
	defer cancel()
	err = dynamic.WaitServed(ctx, d, never)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "serves version v7 of") || !strings.Contains(err.Error(), "enough") {
		t.Errorf("a version that is not served: %v", err)
	}
	var misuse *kind.MisuseError
	if err := dynamic.WaitServed(t.Context(), d, nil); !errors.As(err, &misuse) {
		t.Errorf("nil: %v", err)
	}
	pod := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Pod"}}
	if err := dynamic.WaitServed(t.Context(), d, pod); !errors.As(err, &misuse) {
		t.Errorf("a Pod: %v", err)
	}
}
