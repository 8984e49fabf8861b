package client

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func ptr[T any](v T) *T { return &v }

func TestApplySendsWhatWasMeant(t *testing.T) {
	type inner struct {
		A string `json:"a,omitempty"`
	}
	type Embedded struct {
		Shadowed string `json:"shadowed,omitempty"`
		Promoted string `json:"promoted,omitempty"`
	}
	type odd struct {
		Embedded  `json:",inline"`
		Shadowed  int              `json:"shadowed,omitempty"`
		Required  string           `json:"required"`
		Inner     inner            `json:"inner"`
		Optional  inner            `json:"optional,omitempty"`
		Zero      inner            `json:"zero,omitzero"`
		Pointer   *inner           `json:"pointer,omitempty"`
		NilList   []string         `json:"nilList"`
		EmptyList []string         `json:"emptyList"`
		Map       map[string]inner `json:"map,omitempty"`
		Bytes     []byte           `json:"bytes,omitempty"`
		Any       any              `json:"any,omitempty"`
		Raw       json.RawMessage  `json:"raw,omitempty"`
		Quoted    int64            `json:"quoted,string,omitempty"`
		NoTag     bool
		List      []odd             `json:"list,omitempty"`
		Whole     *odd              `json:"whole,omitempty"`
		Strings   map[string]string `json:"strings,omitempty"`
		Zeros     []int             `json:"zeros,omitempty"`
		Number    *int              `json:"number,omitempty"`
		Hidden    string            `json:"-"`
		private   string
	}
	const zeroOdd = `{"required":"","inner":{},"NoTag":false}`
	for _, c := range []struct {
		name string
		obj  any
		want string
	}{
		{"a pod of one container",
			&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}}},
			`{"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"i"}]}}`},
		{"a volume that is an emptyDir",
			&corev1.PodSpec{Volumes: []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}},
			`{"volumes":[{"name":"v","emptyDir":{}}]}`},
		{"a deployment without strategy, template metadata or status",
			&appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: ptr[int32](0), Selector: &metav1.LabelSelector{}}},
			`{"spec":{"replicas":0,"selector":{}}}`},
		{"a service port without target port",
			&corev1.ServicePort{Port: 80},
			`{"port":80}`},
		{"a target port",
			&corev1.ServicePort{Port: 80, TargetPort: intstr.FromString("http")},
			`{"port":80,"targetPort":"http"}`},
		{"quantities",
			&corev1.ResourceRequirements{Limits: corev1.ResourceList{"cpu": resource.MustParse("100m"), "memory": {}}},
			`{"limits":{"cpu":"100m","memory":"0"}}`},
		{"a struct that is not zero and says nothing",
			&corev1.Container{Name: "c", Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{}}},
			`{"name":"c"}`},
		{"a quantity that is zero, and one that is not there",
			[]corev1.ResourceFieldSelector{{Resource: "a", Divisor: resource.MustParse("0")}, {Resource: "b"}},
			`[{"resource":"a","divisor":"0"},{"resource":"b"}]`},
		{"times",
			&metav1.ObjectMeta{Name: "a", CreationTimestamp: metav1.Time{}, DeletionTimestamp: &metav1.Time{Time: time.Unix(0, 0).UTC()}},
			`{"name":"a","deletionTimestamp":"1970-01-01T00:00:00Z"}`},
		{"a zero time in another place on earth",
			&metav1.ObjectMeta{Name: "a", CreationTimestamp: metav1.Time{Time: time.Time{}.In(time.FixedZone("X", 3600))}},
			`{"name":"a"}`},
		{"a raw extension",
			&appsv1.ControllerRevision{Data: runtime.RawExtension{Raw: []byte(`{"a":{}}`)}, Revision: 1},
			`{"data":{"a":{}},"revision":1}`},
		{"a policy's rules without its selector, which is not optional",
			&networkingv1.NetworkPolicySpec{Ingress: []networkingv1.NetworkPolicyIngressRule{{}}},
			`{"ingress":[{}]}`},
		{"a budget's status of one condition, whose counters are not optional",
			&policyv1.PodDisruptionBudgetStatus{Conditions: []metav1.Condition{{Type: "T", Status: "True", Reason: "R"}}},
			`{"conditions":[{"type":"T","status":"True","reason":"R","message":""}]}`},
		{"what is behind pointers, in lists and in maps, is sent as before",
			&odd{Pointer: &inner{}, List: []odd{{}}, Whole: &odd{}, Map: map[string]inner{"a": {}}, Strings: map[string]string{"a": ""},
				EmptyList: []string{""}, Zeros: []int{0}, Number: ptr(0)},
			`{"pointer":{},"list":[` + zeroOdd + `],"whole":` + zeroOdd + `,"map":{"a":{}},"strings":{"a":""},"emptyList":[""],
			"zeros":[0],"number":0}`},
		{"elements of lists and maps, though empty",
			&odd{Map: map[string]inner{"b": {}, "a": {A: "x"}}, EmptyList: []string{}},
			`{"emptyList":[],"map":{"a":{"a":"x"},"b":{}}}`},
		{"everything",
			&odd{
				Embedded: Embedded{Shadowed: "x", Promoted: "p"}, Shadowed: 1, Required: "<r>", Inner: inner{"i"}, Optional: inner{"o"},
				Zero: inner{"z"}, Pointer: &inner{}, NilList: []string{"a"}, Bytes: []byte("abc"), Any: map[string]any{"k": nil},
				Raw: json.RawMessage(`{"r":1}`), Quoted: 7, NoTag: true, Hidden: "h", private: "p",
			},
			`{"promoted":"p","shadowed":1,"required":"<r>","inner":{"a":"i"},"optional":{"a":"o"},"zero":{"a":"z"},"pointer":{},
			"nilList":["a"],"bytes":"YWJj","any":{"k":null},"raw":{"r":1},"quoted":"7","NoTag":true}`},
	} {
		got, err := sparse(c.obj, nil)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !sameJSON(t, got, []byte(c.want)) || strings.Count(string(got), `"shadowed"`) > 1 {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal(a, &x); err != nil {
		t.Fatalf("%v in %s", err, a)
	}
	if err := json.Unmarshal(b, &y); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return reflect.DeepEqual(x, y)
}

func TestApplySaysWhichFieldCannotBeEncoded(t *testing.T) {
	type bad struct {
		List []map[string]any `json:"list"`
	}
	_, err := sparse(&bad{List: []map[string]any{nil, {"k": make(chan int)}}}, nil)
	if err == nil || !strings.Contains(err.Error(), `list: [1]: "k"`) {
		t.Errorf("the error is %v", err)
	}
}

// What is left out must be what decoding puts back: whatever the object.
func TestApplyLosesNothing(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, typ := range []reflect.Type{
		reflect.TypeFor[corev1.Pod](), reflect.TypeFor[corev1.Service](), reflect.TypeFor[corev1.Node](),
		reflect.TypeFor[appsv1.Deployment](), reflect.TypeFor[appsv1.StatefulSet](),
		reflect.TypeFor[networkingv1.Ingress](), reflect.TypeFor[networkingv1.NetworkPolicy](),
		reflect.TypeFor[batchv1.CronJob](), reflect.TypeFor[autoscalingv2.HorizontalPodAutoscaler](),
	} {
		for i := range 40 {
			obj := reflect.New(typ)
			fill(rnd, obj.Elem(), 0)
			whole, err := json.Marshal(obj.Interface())
			if err != nil {
				t.Fatal(err)
			}
			less, err := sparse(obj.Interface(), nil)
			if err != nil {
				t.Fatal(err)
			}
			a, b := reflect.New(typ), reflect.New(typ)
			if err := json.Unmarshal(whole, a.Interface()); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(less, b.Interface()); err != nil {
				t.Fatalf("%v: %v in %s", typ, err, less)
			}
			if !equality.Semantic.DeepEqual(a.Interface(), b.Interface()) {
				t.Fatalf("%v, object %d: decoded it is another\n%s\n%s", typ, i, whole, less)
			}
			if len(less) > len(whole) {
				t.Errorf("%v: sparse is longer:\n%s\n%s", typ, whole, less)
			}
		}
	}
}

// fill puts something into about half of the fields.
func fill(rnd *rand.Rand, v reflect.Value, depth int) {
	if depth > 12 || rnd.IntN(2) == 0 && depth > 0 {
		return
	}
	switch x := v.Addr().Interface().(type) {
	case *metav1.Time:
		*x = metav1.NewTime(time.Unix(rnd.Int64N(1<<31), 0).UTC())
		return
	case *metav1.MicroTime:
		*x = metav1.NewMicroTime(time.Unix(rnd.Int64N(1<<31), 0).UTC())
		return
	case *resource.Quantity:
		*x = *resource.NewQuantity(rnd.Int64N(100), resource.DecimalSI)
		return
	case *intstr.IntOrString:
		*x = intstr.FromInt32(rnd.Int32N(100))
		return
	case *metav1.FieldsV1:
		return
	case *runtime.RawExtension:
		x.Raw = []byte(`{}`)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(rnd, v.Field(i), depth+1)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(rnd, v.Elem(), depth+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rnd.IntN(3), 3))
		for i := range v.Len() {
			fill(rnd, v.Index(i), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rnd.IntN(3) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(rnd, key, 0)
			fill(rnd, value, depth+1)
			v.SetMapIndex(key, value)
		}
	case reflect.String:
		v.SetString([]string{"", "a", `"<é>`}[rnd.IntN(3)])
	case reflect.Bool:
		v.SetBool(rnd.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(rnd.Int64N(100))
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(rnd.Uint64N(100))
	case reflect.Float64:
		v.SetFloat(rnd.Float64())
	}
}

func BenchmarkSparse(b *testing.B) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: map[string]string{"a": "b"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sparse(pod, nil); err != nil {
			b.Fatal(err)
		}
	}
}
