package wire_test

import (
	"reflect"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Widget is a custom resource of which some is anything.
type Widget struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              WidgetSpec `json:"spec"`
}

type WidgetSpec struct {
	*WidgetCommon
	Template   runtime.RawExtension         `json:"template,omitempty"`
	Any        map[string]any               `json:"any,omitempty"`
	Port       intstr.IntOrString           `json:"port,omitempty"`
	Containers []*corev1.Container          `json:"containers,omitempty"`
	ByNumber   map[int]string               `json:"byNumber,omitempty"`
	Deep       map[string]map[string]string `json:"deep,omitempty"`
	Secret     string                       `json:"-"`
	Untagged   string
}

type WidgetCommon struct {
	Size  *int64  `json:"size,omitempty"`
	Ratio float64 `json:"ratio"`
}

var (
	podType    = reflect.TypeFor[corev1.Pod]()
	widgetType = reflect.TypeFor[Widget]()
)
