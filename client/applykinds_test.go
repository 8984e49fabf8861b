package client

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	networkingv1 "k8s.io/api/networking/v1"
	nodev1 "k8s.io/api/node/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	resourcev1 "k8s.io/api/resource/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/skiff-k8s/skiff/internal/jsonfields"
	"github.com/skiff-k8s/skiff/internal/verbs"
	"github.com/skiff-k8s/skiff/kind"
)

// gaKinds returns the Go types of all built-in kinds that are GA and are kept by the server.
func gaKinds(t *testing.T) []reflect.Type {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		admissionregistrationv1.AddToScheme, appsv1.AddToScheme, autoscalingv1.AddToScheme,
		autoscalingv2.AddToScheme, batchv1.AddToScheme, certificatesv1.AddToScheme,
		coordinationv1.AddToScheme, corev1.AddToScheme, discoveryv1.AddToScheme, eventsv1.AddToScheme,
		flowcontrolv1.AddToScheme, networkingv1.AddToScheme, nodev1.AddToScheme, policyv1.AddToScheme,
		rbacv1.AddToScheme, resourcev1.AddToScheme, schedulingv1.AddToScheme, storagev1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	var types []reflect.Type
	for _, typ := range scheme.AllKnownTypes() {
		if f, ok := typ.FieldByName("ObjectMeta"); ok && f.Type == reflect.TypeFor[metav1.ObjectMeta]() &&
			!slices.Contains(types, typ) {
			types = append(types, typ)
		}
	}
	slices.SortFunc(types, func(a, b reflect.Type) int { return strings.Compare(a.String(), b.String()) })
	if len(types) < 55 {
		t.Fatalf("%d kinds were found", len(types))
	}
	return types
}

// leaf is a field that is reached through structs only.
type leaf struct {
	path  []string // names in JSON
	index []int    // in Go
}

// leavesOf returns the fields of a struct type down to what is no struct.
func leavesOf(t reflect.Type) []leaf {
	var leaves []leaf
	for _, f := range jsonfields.Of(t) {
		whole := leaf{[]string{f.Name}, f.Index}
		if f.Type.Kind() != reflect.Struct || marshals(f.Type) || marshals(reflect.PointerTo(f.Type)) {
			leaves = append(leaves, whole)
			continue
		}
		for _, l := range leavesOf(f.Type) {
			leaves = append(leaves, leaf{slices.Concat(whole.path, l.path), slices.Concat(whole.index, l.index)})
		}
	}
	return leaves
}

// setSomething makes v the smallest value that is not zero: for a pointer, one to a zero; for a list
// or map, one of a zero. It reports false for values that it cannot make.
func setSomething(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("k").Convert(v.Type().Key()), reflect.Zero(v.Type().Elem()))
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	default:
		return false // times, quantities and other types that encode themselves
	}
	return true
}

// R14: of each GA kind, an object in which one field is set is sent as that field and the object's
// name, and one in which nothing is set as its name. Nothing else is sent, whatever the field's tag.
func TestApplySendsTheFieldThatIsSetAndNoOther(t *testing.T) {
	var fields, withZeros int
	for _, typ := range gaKinds(t) {
		r := verbs.Resource{Kind: kind.Info{Group: "g", Version: "v1", Kind: "K", Resource: "ks"}}
		body := func(obj reflect.Value, status bool) map[string]any {
			data, err := applyBody(obj.Interface(), "a", r, r.Kind.GVK(), status, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := json.Unmarshal(data, &got); err != nil {
				t.Fatal(err)
			}
			delete(got, "apiVersion")
			delete(got, "kind")
			return got
		}
		name := map[string]any{"metadata": map[string]any{"name": "a"}}
		empty := reflect.New(typ)
		empty.Interface().(metav1.Object).SetName("a")
		for _, status := range []bool{false, true} {
			if got := body(empty, status); !reflect.DeepEqual(got, name) {
				t.Errorf("%v, nothing set: %v is sent", typ, got)
			}
		}
		if whole, err := json.Marshal(empty.Interface()); err == nil && string(whole) != `{"metadata":{"name":"a"}}` {
			withZeros++
		}

		for _, l := range leavesOf(typ) {
			if l.path[0] == "metadata" || l.path[0] == "kind" || l.path[0] == "apiVersion" {
				continue
			}
			obj := reflect.New(typ)
			obj.Interface().(metav1.Object).SetName("a")
			if !setSomething(obj.Elem().FieldByIndex(l.index)) {
				continue
			}
			fields++
			got := body(obj, l.path[0] == "status")
			var inner any = got
			for i, step := range l.path {
				object, ok := inner.(map[string]any)
				if want := 1; !ok || i > 0 && len(object) != want || i == 0 && len(object) != want+1 {
					t.Errorf("%v, %s set: %v is sent", typ, strings.Join(l.path, "."), got)
					break
				}
				if inner, ok = object[step]; !ok {
					t.Errorf("%v: %s is set and not sent: %v", typ, strings.Join(l.path, "."), got)
					break
				}
			}
		}
	}
	t.Logf("%d fields; encoding/json would send zeros of %d kinds", fields, withZeros)
	if fields < 400 || withZeros < 30 {
		t.Errorf("%d fields of kinds, %d of which have zeros that encoding/json sends: too few to tell", fields, withZeros)
	}
}
