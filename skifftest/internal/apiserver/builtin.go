package apiserver

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/internal/storage"
)

// discoveryGz is the aggregated discovery of a kube-apiserver with its default features:
// {"core": items of /api, "groups": items of /apis}. TestBuiltinsAreTheControlPlanes compares it, and
// writes it with -write.
//
//go:embed discovery.json.gz
var discoveryGz []byte

type builtinDiscovery struct {
	Core, Groups []apidiscoveryv2.APIGroupDiscovery
}

var builtins = sync.OnceValue(func() (d builtinDiscovery) {
	z, err := gzip.NewReader(bytes.NewReader(discoveryGz))
	if err == nil {
		err = json.NewDecoder(z).Decode(&d)
	}
	if err != nil {
		panic(fmt.Sprintf("skifftest: read the embedded discovery: %v", err))
	}
	return d
})

// traits are what is special in a kind: the behaviour of its registry in kube-apiserver.
type traits struct {
	generation     bool // metadata.generation counts the changes outside of metadata and status
	conditional    bool // an update needs a resourceVersion
	createOnUpdate bool // an update creates an object that is not there
	bareStatus     bool // an update of the status changes no metadata
	keepsStatus    bool // an object is created with the status that it comes with
	returnsDeleted bool // a deletion is answered with the object
	orphans        bool // a deletion without a propagationPolicy leaves dependents
	finalizer      string
	names          nameRule
}

type nameRule int

const (
	subdomain nameRule = iota
	label
	pathSegment
)

func names(all ...string) map[string]bool {
	m := map[string]bool{}
	for _, n := range all {
		m[n] = true
	}
	return m
}

var (
	generations = names("pods", "podtemplates", "replicationcontrollers", "deployments.apps", "replicasets.apps",
		"statefulsets.apps", "daemonsets.apps", "jobs.batch", "cronjobs.batch", "horizontalpodautoscalers.autoscaling",
		"ingresses.networking.k8s.io", "ingressclasses.networking.k8s.io", "networkpolicies.networking.k8s.io",
		"poddisruptionbudgets.policy", "priorityclasses.scheduling.k8s.io", "endpointslices.discovery.k8s.io",
		"validatingwebhookconfigurations.admissionregistration.k8s.io",
		"mutatingwebhookconfigurations.admissionregistration.k8s.io",
		"validatingadmissionpolicies.admissionregistration.k8s.io",
		"validatingadmissionpolicybindings.admissionregistration.k8s.io",
		"mutatingadmissionpolicies.admissionregistration.k8s.io",
		"mutatingadmissionpolicybindings.admissionregistration.k8s.io",
		"deviceclasses.resource.k8s.io", "resourceslices.resource.k8s.io", "devicetaintrules.resource.k8s.io",
		"flowschemas.flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
		"customresourcedefinitions.apiextensions.k8s.io")
	conditionals = names("apiservices.apiregistration.k8s.io", "poddisruptionbudgets.policy",
		"csidrivers.storage.k8s.io", "csinodes.storage.k8s.io", "csistoragecapacities.storage.k8s.io",
		"volumeattachments.storage.k8s.io", "validatingwebhookconfigurations.admissionregistration.k8s.io",
		"mutatingwebhookconfigurations.admissionregistration.k8s.io",
		"validatingadmissionpolicies.admissionregistration.k8s.io",
		"validatingadmissionpolicybindings.admissionregistration.k8s.io",
		"mutatingadmissionpolicies.admissionregistration.k8s.io",
		"mutatingadmissionpolicybindings.admissionregistration.k8s.io", "leases.coordination.k8s.io",
		"runtimeclasses.node.k8s.io", "devicetaintrules.resource.k8s.io",
		"storageversionmigrations.storagemigration.k8s.io", "clustertrustbundles.certificates.k8s.io",
		"podcertificaterequests.certificates.k8s.io", "customresourcedefinitions.apiextensions.k8s.io")
	createsOnUpdate = names("endpoints", "events", "limitranges", "services", "roles.rbac.authorization.k8s.io",
		"rolebindings.rbac.authorization.k8s.io", "clusterroles.rbac.authorization.k8s.io",
		"clusterrolebindings.rbac.authorization.k8s.io", "leases.coordination.k8s.io", "runtimeclasses.node.k8s.io",
		"events.events.k8s.io")
	bareStatuses = names("apiservices.apiregistration.k8s.io", "servicecidrs.networking.k8s.io",
		"csinodes.storage.k8s.io", "volumeattachments.storage.k8s.io", "devicetaintrules.resource.k8s.io",
		"resourceclaims.resource.k8s.io", "flowschemas.flowcontrol.apiserver.k8s.io",
		"prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
		"storageversionmigrations.storagemigration.k8s.io",
		"validatingadmissionpolicies.admissionregistration.k8s.io",
		"customresourcedefinitions.apiextensions.k8s.io")
	returnDeleted = names("podtemplates", "resourcequotas", "serviceaccounts", "services", "pods",
		"persistentvolumeclaims", "persistentvolumes", "csidrivers.storage.k8s.io", "csinodes.storage.k8s.io",
		"storageclasses.storage.k8s.io", "volumeattachments.storage.k8s.io",
		"volumeattributesclasses.storage.k8s.io", "deviceclasses.resource.k8s.io", "resourceclaims.resource.k8s.io",
		"resourceclaimtemplates.resource.k8s.io", "resourceslices.resource.k8s.io")
	orphaning = names("replicationcontrollers", "jobs.batch")
)

// stored are the kinds that are stored in another form than their own: both versions of a resource, or
// both resources, have the objects in common.
var stored = map[apischema.GroupVersionKind]apischema.GroupVersionKind{
	hpa1:     hpa2,
	eventsV1: coreEvents,
}

var (
	hpa1       = apischema.GroupVersionKind{Group: "autoscaling", Version: "v1", Kind: "HorizontalPodAutoscaler"}
	hpa2       = apischema.GroupVersionKind{Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler"}
	eventsV1   = apischema.GroupVersionKind{Group: "events.k8s.io", Version: "v1", Kind: "Event"}
	coreEvents = apischema.GroupVersionKind{Version: "v1", Kind: "Event"}
)

// builtinResource returns a resource of the embedded discovery.
func builtinResource(group, version string, d apidiscoveryv2.APIResourceDiscovery) *Resource {
	r := &Resource{
		Group: group, Version: version, Plural: d.Resource, Kind: d.ResponseKind.Kind,
		Namespaced: d.Scope == apidiscoveryv2.ScopeNamespace,
		verbs:      d.Verbs, subresources: map[string][]string{},
	}
	for _, s := range d.Subresources {
		r.subresources[s.Subresource] = s.Verbs
	}
	r.stored = r.GVK()
	r.in = storage.Collection{Group: group, Resource: d.Resource}
	if form, ok := stored[r.GVK()]; ok {
		r.stored, r.in.Group = form, form.Group
	}
	name := r.gr().String()
	r.traits = traits{
		generation: generations[name], conditional: conditionals[name], createOnUpdate: createsOnUpdate[name],
		bareStatus: bareStatuses[name], returnsDeleted: returnDeleted[name], orphans: orphaning[name],
		keepsStatus: name == "nodes",
	}
	switch {
	case group == "rbac.authorization.k8s.io":
		r.names = pathSegment
	case slices.Contains([]string{"namespaces", "services"}, name):
		r.names = label
	}
	if r.has("scale") {
		r.scale = builtinScales[name]
	}
	switch name {
	case "persistentvolumeclaims":
		r.finalizer = "kubernetes.io/pvc-protection"
	case "persistentvolumes":
		r.finalizer = "kubernetes.io/pv-protection"
	}
	return r
}
