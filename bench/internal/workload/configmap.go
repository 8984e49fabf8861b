package workload

import (
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// rootCA is the name of the ConfigMap that every namespace has, with the same certificate.
const rootCA = "kube-root-ca.crt"

const smallestConfigMap, largestConfigMap = 100, 200_000

func newConfigMaps(seed uint64, all []deployment) Source {
	var names []named
	for k, d := range all {
		if k == 0 || all[k-1].namespace != d.namespace {
			names = append(names, named{d.namespace, rootCA})
		}
		names = append(names, named{d.namespace, d.name + "-config"}, named{d.namespace, d.name + "-files"})
	}
	slices.SortFunc(names, named.order)
	m := &made{
		info: Info{schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}, "configmaps", true, true},
		seed: seed, names: names,
	}
	certificate := pemText(generatorOf(seed, 'k'), 1100)
	m.make = func(i int, s State) runtime.Object {
		if names[i].name == rootCA {
			return &corev1.ConfigMap{Data: map[string]string{"ca.crt": certificate}}
		}
		return configMap(m.generator('c', i, s.Generation), s)
	}
	m.meta = func(i int, s State) *metav1.ObjectMeta {
		if names[i].name == rootCA {
			return &metav1.ObjectMeta{
				Annotations:   map[string]string{"kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints."},
				ManagedFields: []metav1.ManagedFieldsEntry{configMapFields("kube-controller-manager", "ca.crt")},
			}
		}
		app := names[i].name[:strings.LastIndexByte(names[i].name, '-')]
		return &metav1.ObjectMeta{
			Labels: map[string]string{"app.kubernetes.io/name": app, "app.kubernetes.io/managed-by": "Helm",
				"helm.sh/chart": app + "-0.4.2"},
			Annotations:   map[string]string{"meta.helm.sh/release-name": app, "meta.helm.sh/release-namespace": names[i].namespace},
			ManagedFields: []metav1.ManagedFieldsEntry{configMapFields("helm", "config.yaml")},
		}
	}
	return m
}

func configMapFields(manager, key string) metav1.ManagedFieldsEntry {
	return managed(manager, "v1", "", beginning, map[string]any{"data": map[string]any{key: nil}})
}

// configMap returns one with some files, of a size between the smallest and the largest: half are
// below 400 bytes, and most bytes are in the few large ones.
func configMap(g generator, s State) *corev1.ConfigMap {
	const steepness = 0.5
	least := math.Pow(float64(smallestConfigMap)/largestConfigMap, steepness)
	size := int(smallestConfigMap / math.Pow(1-g.unit()*(1-least), 1/steepness))
	m := &corev1.ConfigMap{Data: make(map[string]string)}
	for file := 0; size > 0; file++ {
		n := size
		if size > 2000 && file < 4 {
			n = size/3 + g.below(size/3)
		}
		size -= n
		switch kind := g.below(10); {
		case file == 0:
			m.Data["config.yaml"] = fmt.Sprintf("revision: %d\n", s.Revision) + yamlText(&g, n)
		case kind < 2:
			m.Data[fmt.Sprintf("tls-%d.crt", file)] = pemText(g, n)
		case kind < 3:
			data := make([]byte, n)
			for k := range data {
				data[k] = byte(g.next())
			}
			m.BinaryData = map[string][]byte{fmt.Sprintf("keystore-%d.jks", file): data}
		default:
			m.Data[fmt.Sprintf("%s-%d.properties", pick(&g, words), file)] = propertiesText(&g, n)
		}
	}
	return m
}

func yamlText(g *generator, n int) string {
	var b strings.Builder
	for depth := 0; b.Len() < n; {
		fmt.Fprintf(&b, "%*s%s_%s:", 2*depth, "", pick(g, words), pick(g, words))
		if g.below(5) == 0 && depth < 4 {
			depth++
		} else {
			b.WriteString(" " + settingValue(g, "app", pick(g, teams)))
			depth = max(0, depth-g.below(2))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func propertiesText(g *generator, n int) string {
	var b strings.Builder
	for b.Len() < n {
		fmt.Fprintf(&b, "%s.%s.%s=%s\n", pick(g, words), pick(g, words), pick(g, words), settingValue(g, "app", pick(g, teams)))
	}
	return b.String()
}

// pemText returns about n bytes that look like a certificate and are as random as one.
func pemText(g generator, n int) string {
	raw := make([]byte, max(n*3/4, 48))
	for k := range raw {
		raw[k] = byte(g.next())
	}
	text := base64.StdEncoding.EncodeToString(raw)
	var b strings.Builder
	b.WriteString("-----BEGIN CERTIFICATE-----\n")
	for line := range slices.Chunk([]byte(text), 64) {
		b.Write(line)
		b.WriteByte('\n')
	}
	b.WriteString("-----END CERTIFICATE-----\n")
	return b.String()
}
