package schema

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/skifftest/internal/live"
)

var gadget = apischema.GroupVersionKind{Group: "schema.example.com", Version: "v1", Kind: "Gadget"}

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var o map[string]any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func gadgets(t *testing.T) *Custom {
	t.Helper()
	data, err := os.ReadFile("testdata/gadgets.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set := Builtin()
	if err := set.AddCRD(object(t, string(data))); err != nil {
		t.Fatal(err)
	}
	c, ok := set.Custom(gadget)
	if !ok {
		t.Fatal("the kind was not added")
	}
	return c
}

// specs are the specs of gadgets, each with the number of faults in it.
var specs = []struct {
	spec   string
	faults int
}{
	{"{size: small}", 0},
	{"{}", 1},
	{"{size: medium}", 1},
	{"{size: 3}", 2},
	{"{size: small, replicas: 10}", 0},
	{"{size: small, replicas: 11}", 1},
	{"{size: small, replicas: 0}", 0},
	{"{size: small, replicas: -1}", 2},
	{"{size: small, replicas: 1.5}", 3},
	{"{size: small, replicas: three}", 2},
	{"{size: small, above: 1}", 1},
	{"{size: small, above: 2}", 0},
	{"{size: small, above: 9}", 1},
	{"{size: small, above: 8}", 0},
	{"{size: small, ratio: 1.5}", 0},
	{"{size: small, ratio: 1.2}", 1},
	{"{size: small, ratio: 2}", 1},
	{"{size: small, name: a}", 1},
	{"{size: small, name: ab}", 0},
	{"{size: small, name: abcde}", 0},
	{"{size: small, name: abcdef}", 1},
	{"{size: small, name: AB}", 1},
	{"{size: small, enabled: 'yes'}", 1},
	{"{size: small, when: '2026-11-26T10:00:00Z'}", 0},
	{"{size: small, when: today}", 1},
	{"{size: small, mail: a@example.com}", 0},
	{"{size: small, mail: nobody}", 1},
	{"{size: small, ip: 1.2.3.4}", 0},
	{"{size: small, ip: 1.2.3}", 1},
	{"{size: small, id: 1b671a64-40d5-491e-99b0-da01ff1f3341}", 0},
	{"{size: small, id: x}", 1},
	{"{size: small, long: 3000000000}", 1},
	{"{size: small, strange: anything}", 0},
	{"{size: small, few: []}", 1},
	{"{size: small, few: [a]}", 0},
	{"{size: small, few: [a, b]}", 0},
	{"{size: small, few: [a, b, c]}", 1},
	{"{size: small, few: [a, '']}", 1},
	{"{size: small, few: a}", 1},
	{"{size: small, set: [a, b]}", 0},
	{"{size: small, set: [a, b, a, b, a]}", 2},
	{"{size: small, ports: [{port: 1}, {port: 1, protocol: UDP}]}", 0},
	{"{size: small, ports: [{port: 1}, {port: 1, protocol: TCP}]}", 1},
	{"{size: small, ports: [{protocol: TCP}, {port: 0}]}", 2},
	{"{size: small, labels: {}}", 1},
	{"{size: small, labels: {a: b}}", 0},
	{"{size: small, labels: {a: 1}}", 1},
	{"{size: small, labels: {a: b, c: d, e: f}}", 1},
	{"{size: small, free: {x: [1, {z: null}], known: {a: b, c: d}}, unknown: 1, nested: {deep: {er: 1}}}", 0},
	{"{size: small, limit: 5}", 0},
	{"{size: small, limit: 5%}", 0},
	{"{size: small, limit: 5.5}", 1},
	{"{size: small, limit: {a: b}}", 1},
	{"{size: small, bounded: 5%}", 0},
	{"{size: small, bounded: 5}", 0},
	{"{size: small, bounded: five}", 1},
	{"{size: small, maybe: null, name: null, replicas: null, nested: null}", 0},
	{"{size: small, nested: {depth: null}}", 0},
	{"{size: small, raw: {apiVersion: v1, kind: Pod, metadata: {name: x, labels: {a: b}, what: ever}, spec: {a: b}}}", 0},
	{"{size: small, raw: {kind: Pod}}", 1},
	{"{size: small, one: {a: x}}", 0},
	{"{size: small, one: {a: x, b: z}}", 1},
	{"{size: small, one: {}}", 2},
	{"{size: small, any: {}}", 2},
	{"{size: small, any: {a: x, b: z}}", 0},
	{"{size: small, not: bad}", 1},
	{"{size: small, not: good}", 0},
	{"{size: small, all: 4}", 0},
	{"{size: small, all: 2}", 2},
	{"{size: small, all: 6}", 2},
}

func write(t *testing.T, c *Custom, o, old map[string]any) (map[string]any, []string, error) {
	t.Helper()
	o = runtime.DeepCopyJSON(o)
	unknown, err := c.Decode(o)
	if err != nil {
		return nil, nil, err
	}
	if errs := c.Validate(o, old); len(errs) > 0 {
		name, _ := at(o, "metadata")["name"].(string)
		return nil, unknown, apierrors.NewInvalid(gadget.GroupKind(), name, errs)
	}
	return o, unknown, nil
}

func TestCustomValues(t *testing.T) {
	c := gadgets(t)
	for _, test := range specs {
		o := object(t, "{apiVersion: schema.example.com/v1, kind: Gadget, metadata: {name: x}, spec: "+test.spec+"}")
		_, _, err := write(t, c, o, nil)
		var status apierrors.APIStatus
		n := 0
		if errors.As(err, &status) {
			n = len(status.Status().Details.Causes)
		}
		if n != test.faults {
			t.Errorf("%s: %d faults, want %d: %v", test.spec, n, test.faults, err)
		}
	}
}

// The control plane keeps the same of each object, and refuses it with the same error.
func TestCustomLikeTheControlPlane(t *testing.T) {
	ctx, c, cluster := connect(t)
	if err := cluster.InstallCRDs(ctx, "testdata/gadgets.yaml"); err != nil {
		t.Fatal(err)
	}
	ns := cluster.Namespace(t)
	ours := gadgets(t)
	for i, test := range specs {
		o := object(t, "{apiVersion: schema.example.com/v1, kind: Gadget, spec: "+test.spec+"}")
		o["metadata"] = map[string]any{"name": fmt.Sprintf("g%d", i)}
		body, _ := json.Marshal(o)
		send := func(validation string) (map[string]any, error) {
			data, err := c.Post().GroupVersion(gadget.GroupVersion()).Namespace(ns).Resource("gadgets").
				Param("fieldValidation", validation).Param("dryRun", "All").Body(body).DoRaw(ctx)
			if err != nil {
				return nil, err
			}
			return object(t, string(data)), nil
		}
		theirs, theirErr := send("Ignore")
		kept, unknown, err := write(t, ours, o, nil)
		if a, b := told(theirErr), told(err); a != b {
			t.Errorf("%s:\nthe control plane's error is %s\nours is                     %s", test.spec, a, b)
		}
		if theirErr != nil || err != nil {
			continue
		}
		if !reflect.DeepEqual(theirs["spec"], kept["spec"]) {
			t.Errorf("%s: the control plane keeps %v, and we %v", test.spec, theirs["spec"], kept["spec"])
		}
		_, strictErr := send("Strict")
		var want []string
		for _, u := range unknown {
			want = append(want, fmt.Sprintf("unknown field %q", u))
		}
		if got := told(strictErr); len(want) > 0 && !strings.Contains(got, strings.Join(want, ", ")) || len(want) == 0 && strictErr != nil {
			t.Errorf("%s: the unknown fields are %s, and not %v", test.spec, got, want)
		}
	}
}

func connect(t *testing.T) (context.Context, *rest.Client, *controlplane.Cluster) {
	t.Helper()
	cluster := live.Cluster(t, controlplane.WithoutControllerManager(),
		controlplane.WithAPIServerArgs("--runtime-config=api/all=true"))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return ctx, c, cluster
}

// told returns an error's status as text, its causes sorted: the control plane sorts some of them by
// the order of a map.
func told(err error) string {
	if err == nil {
		return "none"
	}
	var s apierrors.APIStatus
	if !errors.As(err, &s) {
		return "no status: " + err.Error()
	}
	status := s.Status()
	var causes []metav1.StatusCause
	if status.Details != nil {
		causes = slices.Clone(status.Details.Causes)
	}
	slices.SortFunc(causes, func(a, b metav1.StatusCause) int { return strings.Compare(a.Field+a.Message, b.Field+b.Message) })
	message, _, _ := strings.Cut(status.Message, " (")
	if len(causes) > 0 {
		message, _, _ = strings.Cut(message, "is invalid: ") // the causes, in their order
	}
	return fmt.Sprint(status.Code, status.Reason, message, causes)
}
