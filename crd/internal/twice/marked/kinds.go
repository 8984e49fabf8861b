// Package marked has ten kinds with the markers of kubebuilder. Package tagged has the same kinds with
// the tags of package crd. The definitions in ../../../testdata/marked are controller-gen's of this
// package: (cd public && go run ./generate).
//
// +groupName=marked.skiff.test
// +versionName=v1
package marked

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Archive has strings.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=ar;arch,categories=all
type Archive struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              ArchiveSpec `json:"spec"`
}

type ArchiveSpec struct {
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=8
	// +kubebuilder:validation:Pattern=`^[a-z,|]+$`
	Bucket string `json:"bucket"`
	// +kubebuilder:validation:Enum=Full;Incremental
	// +kubebuilder:default=Full
	Mode string `json:"mode,omitempty"`
	// +kubebuilder:validation:Format=date-time
	Until string `json:"until,omitempty"`
	// +optional
	Note string `json:"note"`
}

// Boiler has numbers.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster
type Boiler struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              BoilerSpec `json:"spec"`
}

type BoilerSpec struct {
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:ExclusiveMinimum=true
	// +kubebuilder:validation:Maximum=100
	Degrees int32 `json:"degrees"`
	// +kubebuilder:validation:MultipleOf=5
	// +kubebuilder:default=10
	Step int64 `json:"step,omitempty"`
	// +kubebuilder:validation:Enum=1;2;4
	Level uint16            `json:"level,omitempty"`
	Water resource.Quantity `json:"water,omitempty"`
}

// Crate has objects, pointers and null.
//
// +kubebuilder:object:root=true
type Crate struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              CrateSpec `json:"spec"`
}

type CrateSpec struct {
	// +nullable
	Weight *int32 `json:"weight"`
	Box    *Box   `json:"box,omitempty"`
	// +kubebuilder:default={width: 2}
	Lid Box `json:"lid,omitzero"`
	// +nullable
	// +optional
	Owner *string `json:"owner"`
}

type Box struct {
	// +kubebuilder:validation:Maximum=9
	Width int32 `json:"width"`
	// +kubebuilder:default=1
	Height int32 `json:"height,omitempty"`
}

// Dish has lists.
//
// +kubebuilder:object:root=true
type Dish struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              DishSpec `json:"spec"`
}

type DishSpec struct {
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=3
	// +kubebuilder:validation:items:Pattern=`^[a-z]+$`
	Tags []string `json:"tags"`
	// +listType=map
	// +listMapKey=name
	// +listMapKey=port
	Parts []Part `json:"parts,omitempty"`
	// +listType=atomic
	Grid [][]int32 `json:"grid,omitempty"`
	Data []byte    `json:"data,omitempty"`
}

type Part struct {
	Name string `json:"name"`
	// +kubebuilder:default=80
	Port int32 `json:"port,omitempty"`
	// +kubebuilder:validation:MaxLength=3
	Note string `json:"note,omitempty"`
}

// Engine has rules.
//
// +kubebuilder:object:root=true
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() < 20",message="the name is too long"
type Engine struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              EngineSpec `json:"spec"`
}

// +kubebuilder:validation:XValidation:rule="self.min <= self.max",message="min is above max",reason=FieldValueForbidden,fieldPath=".min"
// +kubebuilder:validation:XValidation:rule="!has(self.locked) || !self.locked || self.max < 50",messageExpression="self.max == 50 ? 'a locked engine has less than 50' : 'much less'"
type EngineSpec struct {
	Min int32 `json:"min"`
	// +kubebuilder:validation:XValidation:rule="self >= oldSelf",message="max can't shrink"
	Max    int32 `json:"max"`
	Locked bool  `json:"locked,omitempty"`
	// +kubebuilder:validation:XValidation:rule="!oldSelf.hasValue() || self == oldSelf.value()",message="it never changes",optionalOldSelf=true
	Serial string `json:"serial,omitempty"`
}

// Forest has maps.
//
// +kubebuilder:object:root=true
type Forest struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              ForestSpec `json:"spec"`
}

type ForestSpec struct {
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=2
	// +mapType=atomic
	Trees map[string]Short `json:"trees"`
	Parts map[string]Part  `json:"parts,omitempty"`
	// +structType=atomic
	Box *Box `json:"box,omitempty"`
}

// +kubebuilder:validation:MaxLength=4
type Short string

// Glass has types of apimachinery.
//
// +kubebuilder:object:root=true
type Glass struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              GlassSpec `json:"spec"`
}

type GlassSpec struct {
	Port     intstr.IntOrString           `json:"port"`
	Since    metav1.Time                  `json:"since,omitempty"`
	Micro    *metav1.MicroTime            `json:"micro,omitempty"`
	Every    *metav1.Duration             `json:"every,omitempty"`
	Selector *metav1.LabelSelector        `json:"selector,omitempty"`
	Secret   *corev1.LocalObjectReference `json:"secret,omitempty"`
	Password *corev1.SecretKeySelector    `json:"password,omitempty"`
	Taints   []corev1.Toleration          `json:"taints,omitempty"`
	Needs    corev1.ResourceRequirements  `json:"needs,omitempty"`
}

// House has fields of any type.
//
// +kubebuilder:object:root=true
type House struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              HouseSpec `json:"spec"`
}

type HouseSpec struct {
	// +kubebuilder:pruning:PreserveUnknownFields
	Raw *runtime.RawExtension `json:"raw,omitempty"`
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:EmbeddedResource
	Object *runtime.RawExtension `json:"object,omitempty"`
	// +kubebuilder:pruning:PreserveUnknownFields
	Room Room `json:"room"`
}

type Room struct {
	// +kubebuilder:validation:Minimum=1
	Size int32 `json:"size"`
}

// Iron has embedded structs and types with a schema of their own.
//
// +kubebuilder:object:root=true
type Iron struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              IronSpec `json:"spec"`
}

type IronSpec struct {
	Heat  `json:",inline"`
	Color Color   `json:"color"`
	More  []Color `json:"more,omitempty"`
	Named `json:"named"`
}

type Heat struct {
	// +kubebuilder:validation:Maximum=300
	Degrees int32 `json:"degrees"`
}

type Named struct {
	Name string `json:"name"`
}

// +kubebuilder:validation:Enum=red;green;blue
type Color string

// Jug has a status, subresources and columns.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.replicas,statuspath=.status.replicas,selectorpath=.status.selector
// +kubebuilder:printcolumn:name="Replicas",type=integer,JSONPath=`.spec.replicas`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`,priority=1
// +kubebuilder:selectablefield:JSONPath=`.spec.kind`
type Jug struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              JugSpec   `json:"spec"`
	Status            JugStatus `json:"status,omitempty"`
}

type JugSpec struct {
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:default=1
	Replicas int32 `json:"replicas,omitempty"`
	// +kubebuilder:validation:MinLength=1
	Kind     string   `json:"kind"`
	Template Template `json:"template,omitzero"`
}

type Template struct {
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Image             string `json:"image"`
}

type JugStatus struct {
	Replicas int32  `json:"replicas,omitempty"`
	Selector string `json:"selector,omitempty"`
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}
