package workload

import (
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// DefaultSeed is the seed of the published figures.
const DefaultSeed = 1

// Config says how large a workload is. Zero values are the defaults.
type Config struct {
	Seed uint64 // DefaultSeed
	Pods int    // 20,000, which makes 400 Deployments in 40 namespaces
}

// Workload is the objects of a cluster.
type Workload struct {
	Pods *Pods
}

// New returns the workload of a size. It is cheap: objects are made when they are asked for.
func New(c Config) *Workload {
	if c.Seed == 0 {
		c.Seed = DefaultSeed
	}
	if c.Pods == 0 {
		c.Pods = 20_000
	}
	return &Workload{Pods: newPods(c.Seed, c.Pods)}
}

// Sources returns all resources of the workload.
func (w *Workload) Sources() []Source { return []Source{w.Pods} }

// clearObject sets an object to one with nothing but this metadata.
func clearObject(object runtime.Object, meta metav1.ObjectMeta) {
	v := reflect.ValueOf(object).Elem()
	v.SetZero()
	v.FieldByName("ObjectMeta").Set(reflect.ValueOf(meta))
}
