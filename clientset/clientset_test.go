package clientset_test

import (
	"reflect"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/clientset"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// anyClient is what is asked of a client.Client[T] of any T.
type anyClient interface {
	Kind() (kind.Info, error)
	Namespace() string
}

func TestEveryBuiltInOfTheGroupsHasAName(t *testing.T) {
	c, err := rest.NewClient(&rest.Config{Host: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	cs := clientset.New(c)
	if cs.REST() != c || cs.Discovery() == nil {
		t.Error("REST is not the client that the clientset was made of, or there is no Discovery")
	}
	for _, group := range []struct {
		gv    schema.GroupVersion
		names any
	}{
		{corev1.SchemeGroupVersion, cs.CoreV1()},
		{appsv1.SchemeGroupVersion, cs.AppsV1()},
		{networkingv1.SchemeGroupVersion, cs.NetworkingV1()},
	} {
		missing := map[kind.Info]bool{}
		for k := range kind.All() {
			if k.GroupVersion() == group.gv {
				missing[k] = true
			}
		}
		v := reflect.ValueOf(group.names)
		for i := range v.NumMethod() {
			name, method := v.Type().Method(i).Name, v.Method(i)
			if name == "RESTClient" {
				continue
			}
			var args []reflect.Value
			for range method.Type().NumIn() {
				args = append(args, reflect.ValueOf("somewhere"))
			}
			got := method.Call(args)[0].Interface().(anyClient)
			k, err := got.Kind()
			if err != nil || !missing[k] {
				t.Errorf("%v.%s is of %v, %v", group.gv, name, k, err)
				continue
			}
			delete(missing, k)
			if !strings.EqualFold(name, k.Resource) {
				t.Errorf("%v.%s is the client of %s", group.gv, name, k.Resource)
			}
			if want := map[bool]string{true: "somewhere"}[k.Namespaced]; got.Namespace() != want {
				t.Errorf("%v.%s is in namespace %q, want %q", group.gv, name, got.Namespace(), want)
			}
		}
		for k := range missing {
			t.Errorf("%v has no name for %s", group.gv, k.Resource)
		}
	}
}
