package clientset_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/clientset"
	"github.com/skiff-k8s/skiff/clientset/all"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// anyClient is what is asked of a client.Client[T] of any T.
type anyClient interface {
	Kind() (kind.Info, error)
	Namespace() string
}

// elsewhere are the groups whose Go types are in modules that the library does not require.
var elsewhere = map[string]bool{"apiextensions.k8s.io": true, "apiregistration.k8s.io": true}

// groups returns the values that the methods of a clientset return, by the methods' names.
func groups(cs any) map[string]reflect.Value {
	out := map[string]reflect.Value{}
	v := reflect.ValueOf(cs)
	for i := range v.NumMethod() {
		name := v.Type().Method(i).Name
		if name != "REST" && name != "Discovery" {
			out[name] = v.Method(i).Call(nil)[0]
		}
	}
	return out
}

// clients calls every method of a group that returns a client.Client, and yields its name and that.
func clients(group reflect.Value, yield func(name string, c anyClient)) {
	for i := range group.NumMethod() {
		method := group.Method(i)
		var args []reflect.Value
		for n := range method.Type().NumIn() {
			if method.Type().In(n).Kind() != reflect.String {
				args = nil
				break
			}
			args = append(args, reflect.ValueOf("somewhere"))
		}
		if len(args) != method.Type().NumIn() {
			continue
		}
		if c, ok := method.Call(args)[0].Interface().(anyClient); ok {
			yield(group.Type().Method(i).Name, c)
		}
	}
}

func TestEveryBuiltInHasAMethod(t *testing.T) {
	c, err := rest.NewClient(&rest.Config{Host: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	cs := all.New(c)
	if cs.REST() != c || cs.Discovery() == nil {
		t.Error("REST is not the client that the clientset was made of, or there is no Discovery")
	}
	missing := map[kind.Info]bool{}
	for k := range kind.All() {
		if !elsewhere[k.Group] {
			missing[k] = true
		}
	}
	for name, group := range groups(cs) {
		gv := strings.ToLower(name)
		clients(group, func(name string, c anyClient) {
			k, err := c.Kind()
			if err != nil || !missing[k] {
				t.Errorf("%s.%s is of %v, %v", gv, name, k, err)
				return
			}
			delete(missing, k)
			first, _, _ := strings.Cut(k.Group, ".")
			if want := first + k.Version; gv != want && k.Group != "" || !strings.EqualFold(name, k.Resource) {
				t.Errorf("%s.%s is the client of %s", gv, name, k.GVR())
			}
			if want := map[bool]string{true: "somewhere"}[k.Namespaced]; c.Namespace() != want {
				t.Errorf("%s.%s is in namespace %q, want %q", gv, name, c.Namespace(), want)
			}
		})
	}
	for k := range missing {
		t.Errorf("no method returns the client of %s", k.GVR())
	}
}

// The three groups of the small clientset are the same as among all.
func TestTheSmallClientsetIsAPartOfAll(t *testing.T) {
	c, err := rest.NewClient(&rest.Config{Host: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	cs := clientset.New(c)
	if cs.REST() != c || cs.Discovery() == nil {
		t.Error("REST is not the client that the clientset was made of, or there is no Discovery")
	}
	small, large := groups(cs), groups(all.New(c))
	if len(small) != 3 {
		t.Errorf("it has %d groups, want 3", len(small))
	}
	for name, group := range small {
		if group.Interface() != large[name].Interface() {
			t.Errorf("%s is %v, and among all %v", name, group, large[name])
		}
	}
}
