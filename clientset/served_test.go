package clientset_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/clientset/all"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// How each subresource is reached, by its name, or by its resource and name. "Client" stands for the
// methods of client.Client that take subresources, and a method of a group for that. What is in
// parentheses is the reason why there is no method.
var reached = map[string]string{
	"status":                   "Client",
	"approval":                 "Client",
	"pods/ephemeralcontainers": "Client",
	"pods/resize":              "Client",
	"namespaces/finalize":      "Client",
	"scale":                    "AutoscalingV1.Scales",
	"pods/eviction":            "PolicyV1.Evictions",
	"pods/binding":             "CoreV1.PodBindings",
	"serviceaccounts/token":    "AuthenticationV1.TokenRequests",
	"pods/log":                 "(a stream: package remote, or rest.Request.Stream)",
	"pods/exec":                "(a stream: package remote)",
	"pods/attach":              "(a stream: package remote)",
	"pods/portforward":         "(a stream: package remote)",
	"pods/proxy":               "(HTTP to the pod: rest.Request.SubResource)",
	"services/proxy":           "(HTTP to the service: rest.Request.SubResource)",
	"nodes/proxy":              "(HTTP to the kubelet: rest.Request.SubResource)",
}

// Of a server with every API, each resource of k8s.io/api has a method, and each subresource a
// method or a reason.
func TestEverythingServedHasAMethod(t *testing.T) {
	cluster := controlplane.New(t, controlplane.WithoutControllerManager(), controlplane.WithAPIServerArgs(
		"--runtime-config=api/all=true", "--feature-gates=AllAlpha=true,AllBeta=true"))
	cluster.Needs(t, "1.37", "it serves alpha versions that k8s.io/api 0.37 has no types of any more")
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	served, err := discovery.New(c).Resources(ctx)
	if err != nil {
		t.Fatal(err)
	}
	methods := map[schema.GroupVersionResource]bool{}
	of := groups(all.New(c))
	for _, group := range of {
		clients(group, func(_ string, c anyClient) {
			if k, err := c.Kind(); err == nil {
				methods[k.GVR()] = true
			}
		})
	}
	resources, subresources, used := 0, 0, map[string]bool{}
	for _, gv := range served {
		for _, r := range gv.Resources {
			if elsewhere[r.Info.Group] {
				continue
			}
			resources++
			if !methods[r.Info.GVR()] {
				t.Errorf("%v is served and has no method", r.Info.GVR())
			}
			for _, sub := range r.Subresources {
				subresources++
				key := r.Info.Resource + "/" + sub.Name
				how, ok := reached[key]
				if !ok {
					key = sub.Name
					how = reached[key]
				}
				used[key] = true
				if problem := wrong(how, of, r.Info, sub); problem != "" {
					t.Errorf("%s of %v, a %v: %s", sub.Name, r.Info.GVR(), sub.GVK, problem)
				}
			}
		}
	}
	for key := range reached {
		if !used[key] {
			t.Errorf("%s is in the table and not served", key)
		}
	}
	t.Logf("%d resources, %d subresources", resources, subresources)
	if resources < 95 || subresources < 50 {
		t.Errorf("%d resources and %d subresources are fewer than there are", resources, subresources)
	}
}

// wrong returns what is wrong with how a subresource is reached.
func wrong(how string, of map[string]reflect.Value, k kind.Info, sub discovery.Subresource) string {
	group, method, isMethod := strings.Cut(how, ".")
	switch {
	case how == "":
		return "it has no method and no reason"
	case strings.HasPrefix(how, "("):
		return ""
	case how == "Client":
		if sub.GVK.Kind != k.Kind {
			return "its objects are not the resource's own"
		}
		return ""
	case !isMethod || !of[group].IsValid() || !of[group].MethodByName(method).IsValid():
		return "there is no " + how
	}
	// The type of the method's objects is the one of the subresource.
	out := of[group].MethodByName(method).Type().Out(0)
	get, _ := out.MethodByName("Get")
	if gvk, ok := kind.GVKOf(get.Type.Out(0)); !ok || gvk.Kind != sub.GVK.Kind {
		return how + " is of " + gvk.String()
	}
	return ""
}
