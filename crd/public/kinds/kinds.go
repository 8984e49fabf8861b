// Package kinds names kinds of public operators, by the Go types of their modules.
package kinds

import (
	"fmt"
	"reflect"
	"strings"

	acmev1 "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	certmanagerv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	notificationv1 "github.com/fluxcd/notification-controller/api/v1"
	notificationv1beta3 "github.com/fluxcd/notification-controller/api/v1beta3"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	autoscalerv1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	kueuev1beta2 "sigs.k8s.io/kueue/apis/kueue/v1beta2"

	"github.com/skiff-k8s/skiff/crd"
	"github.com/skiff-k8s/skiff/kind"
)

// Kind is a kind of a public operator.
type Kind struct {
	Project string
	Type    reflect.Type
	CRD     func(...crd.Option) (*unstructured.Unstructured, error)
}

// Name returns the name of the kind and of its file: "flux.Bucket".
func (k Kind) Name() string { return k.Project + "." + k.Type.Name() }

// All are the kinds.
var All = []Kind{
	of[certmanagerv1.Certificate]("cert-manager"),
	of[certmanagerv1.CertificateRequest]("cert-manager"),
	of[certmanagerv1.Issuer]("cert-manager"),
	of[certmanagerv1.ClusterIssuer]("cert-manager"),
	of[acmev1.Challenge]("cert-manager"),
	of[acmev1.Order]("cert-manager"),

	of[gatewayv1.GatewayClass]("gateway-api"),
	of[gatewayv1.Gateway]("gateway-api"),
	of[gatewayv1.HTTPRoute]("gateway-api"),
	of[gatewayv1.GRPCRoute]("gateway-api"),
	of[gatewayv1.TLSRoute]("gateway-api"),
	of[gatewayv1.BackendTLSPolicy]("gateway-api"),
	of[gatewayv1.ReferenceGrant]("gateway-api"),

	of[monitoringv1.ServiceMonitor]("prometheus-operator"),
	of[monitoringv1.PodMonitor]("prometheus-operator"),
	of[monitoringv1.Probe]("prometheus-operator"),
	of[monitoringv1.PrometheusRule]("prometheus-operator"),
	of[monitoringv1.Alertmanager]("prometheus-operator"),

	of[sourcev1.GitRepository]("flux"),
	of[sourcev1.HelmRepository]("flux"),
	of[sourcev1.HelmChart]("flux"),
	of[sourcev1.Bucket]("flux"),
	of[sourcev1.OCIRepository]("flux"),
	of[kustomizev1.Kustomization]("flux"),
	of[helmv2.HelmRelease]("flux"),
	of[notificationv1.Receiver]("flux"),
	of[notificationv1beta3.Alert]("flux"),
	of[notificationv1beta3.Provider]("flux"),

	of[snapshotv1.VolumeSnapshot]("external-snapshotter"),
	of[snapshotv1.VolumeSnapshotContent]("external-snapshotter"),
	of[snapshotv1.VolumeSnapshotClass]("external-snapshotter"),

	of[velerov1.Backup]("velero"),
	of[velerov1.Restore]("velero"),
	of[velerov1.Schedule]("velero"),
	of[velerov1.BackupStorageLocation]("velero"),
	of[velerov1.PodVolumeBackup]("velero"),

	of[autoscalerv1.VerticalPodAutoscaler]("vertical-pod-autoscaler"),

	of[kueuev1beta2.ClusterQueue]("kueue"),
	of[kueuev1beta2.LocalQueue]("kueue"),
	of[kueuev1beta2.ResourceFlavor]("kueue"),
	of[kueuev1beta2.AdmissionCheck]("kueue"),
	of[kueuev1beta2.Workload]("kueue"),
}

// of registers a type in a group of its own, since only its schema is looked at.
func of[T any, P kind.Object[T]](project string) Kind {
	t := reflect.TypeFor[T]()
	plural := strings.ToLower(t.Name()) + "s"
	err := kind.Register[T, P](kind.Info{Group: project + ".public.skiff.test", Version: "v1", Kind: t.Name(), Resource: plural})
	if err != nil {
		panic(fmt.Sprintf("register %v: %v", t, err))
	}
	return Kind{Project: project, Type: t, CRD: crd.Of[T, P]}
}
