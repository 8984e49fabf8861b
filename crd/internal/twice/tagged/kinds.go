// Package tagged has the kinds of package marked, with the tags of package crd.
package tagged

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

type Archive struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              ArchiveSpec `json:"spec"`
}

type ArchiveSpec struct {
	Bucket string `json:"bucket" crd:"minLength=3,maxLength=8,pattern='^[a-z,|]+$'"`
	Mode   string `json:"mode,omitempty" crd:"enum=Full|Incremental,default=Full"`
	Until  string `json:"until,omitempty" crd:"format=date-time"`
	Note   string `json:"note" crd:"optional"`
}

type Boiler struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              BoilerSpec `json:"spec"`
}

type BoilerSpec struct {
	Degrees int32             `json:"degrees" crd:"min=0,exclusiveMin,max=100"`
	Step    int64             `json:"step,omitempty" crd:"multipleOf=5,default=10"`
	Level   uint16            `json:"level,omitempty" crd:"enum=1|2|4"`
	Water   resource.Quantity `json:"water,omitempty"`
}

type Crate struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              CrateSpec `json:"spec"`
}

type CrateSpec struct {
	Weight *int32  `json:"weight"`
	Box    *Box    `json:"box,omitempty"`
	Lid    Box     `json:"lid,omitzero" crd:"default='{\"width\": 2}'"`
	Owner  *string `json:"owner" crd:"optional"`
}

type Box struct {
	Width  int32 `json:"width" crd:"max=9"`
	Height int32 `json:"height,omitempty" crd:"default=1"`
}

type Dish struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              DishSpec `json:"spec"`
}

type DishSpec struct {
	Tags  []string  `json:"tags" crd:"listType=set,minItems=1,maxItems=3,items:pattern='^[a-z]+$'"`
	Parts []Part    `json:"parts,omitempty" crd:"listType=map,listMapKey=name|port"`
	Grid  [][]int32 `json:"grid,omitempty" crd:"listType=atomic"`
	Data  []byte    `json:"data,omitempty"`
}

type Part struct {
	Name string `json:"name"`
	Port int32  `json:"port,omitempty" crd:"default=80"`
	Note string `json:"note,omitempty" crd:"maxLength=3"`
}

type Engine struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              EngineSpec `json:"spec"`
}

// CRDSchema has the rules of the whole object.
func (Engine) CRDSchema() string {
	return `rule='self.metadata.name.size() < 20',message='the name is too long'`
}

type EngineSpec struct {
	Min    int32  `json:"min"`
	Max    int32  `json:"max" crd:"rule='self >= oldSelf',message='max can''t shrink'"`
	Locked bool   `json:"locked,omitempty"`
	Serial string `json:"serial,omitempty" crd:"rule='!oldSelf.hasValue() || self == oldSelf.value()',message='it never changes',optionalOldSelf"`
}

// CRDSchema has the rules of more than one field.
func (EngineSpec) CRDSchema() string {
	return `rule='self.min <= self.max',message='min is above max',reason=FieldValueForbidden,fieldPath=.min,` +
		`rule='!has(self.locked) || !self.locked || self.max < 50',messageExpression='self.max == 50 ? ''a locked engine has less than 50'' : ''much less'''`
}

type Forest struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              ForestSpec `json:"spec"`
}

type ForestSpec struct {
	Trees map[string]string `json:"trees" crd:"minProperties=1,maxProperties=2,mapType=atomic,items:maxLength=4"`
	Parts map[string]Part   `json:"parts,omitempty"`
	Box   *Box              `json:"box,omitempty" crd:"mapType=atomic"`
}

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

type House struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              HouseSpec `json:"spec"`
}

type HouseSpec struct {
	Raw    *runtime.RawExtension `json:"raw,omitempty"`
	Object *runtime.RawExtension `json:"object,omitempty" crd:"embeddedResource"`
	Room   Room                  `json:"room" crd:"preserveUnknownFields"`
}

type Room struct {
	Size int32 `json:"size" crd:"min=1"`
}

type Iron struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              IronSpec `json:"spec"`
}

type IronSpec struct {
	Heat
	Color Color   `json:"color"`
	More  []Color `json:"more,omitempty"`
	Named `json:"named"`
}

type Heat struct {
	Degrees int32 `json:"degrees" crd:"max=300"`
}

type Named struct {
	Name string `json:"name"`
}

type Color string

// Enum returns the colors that there are.
func (Color) Enum() []Color { return []Color{"red", "green", "blue"} }

type Jug struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              JugSpec   `json:"spec"`
	Status            JugStatus `json:"status,omitempty"`
}

type JugSpec struct {
	Replicas int32    `json:"replicas,omitempty" crd:"min=0,default=1"`
	Kind     string   `json:"kind" crd:"minLength=1"`
	Template Template `json:"template,omitzero"`
}

type Template struct {
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Image             string `json:"image"`
}

type JugStatus struct {
	Replicas   int32              `json:"replicas,omitempty"`
	Selector   string             `json:"selector,omitempty"`
	Conditions []metav1.Condition `json:"conditions,omitempty" crd:"listType=map,listMapKey=type"`
}
