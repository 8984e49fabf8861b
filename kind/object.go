package kind

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Object is the constraint of functions that are generic over the Go types of API objects. T is the
// struct, such as corev1.Pod. P is *T, and has an object's metadata. Callers name T only; the
// compiler infers P:
//
//	func Names[T any, P kind.Object[T]](objects []T) (names []string) {
//		for i := range objects {
//			names = append(names, P(&objects[i]).GetName())
//		}
//		return names
//	}
//
//	names := Names[corev1.Pod](pods)
//
// A pointer type (*corev1.Pod) and a type without metadata (corev1.PodSpec) do not compile in the
// place of T. The constraint does not ensure that the kind of T is known: see [Of] and [Register].
type Object[T any] interface {
	*T
	metav1.Object
}
