package workload

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// env returns n environment variables of a container: some from the pod and from Secrets, most of them
// plain settings as Deployments have them.
func env(g *generator, app, namespace string, n int) []corev1.EnvVar {
	taken := make(map[string]bool)
	vars := make([]corev1.EnvVar, 0, n)
	add := func(name, value string, from *corev1.EnvVarSource) {
		if len(vars) < n && !taken[name] {
			taken[name] = true
			vars = append(vars, corev1.EnvVar{Name: name, Value: value, ValueFrom: from})
		}
	}
	add("POD_NAME", "", fieldRef("metadata.name"))
	if key := pick(g, []string{"password", "api-key", "client-secret", "dsn"}); g.below(2) == 0 {
		add(strings.ToUpper(strings.ReplaceAll(key, "-", "_")), "", &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: app + "-credentials"}, Key: key}})
	}
	for len(vars) < n {
		name := strings.ToUpper(pick(g, words) + "_" + pick(g, words))
		add(name, settingValue(g, app, namespace), nil)
	}
	return vars
}

func fieldRef(path string) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: path}}
}

func settingValue(g *generator, app, namespace string) string {
	switch g.below(8) {
	case 0:
		return "http://" + pick(g, subjects) + "-" + pick(g, roles) + "." + namespace + ".svc.cluster.local:8080/" + pick(g, words)
	case 1:
		return strconv.Itoa(1 + g.below(9999))
	case 2:
		return pick(g, []string{"true", "false", "info", "debug", "production", "eu-central-1", "json"})
	case 3:
		return strconv.Itoa(1+g.below(600)) + pick(g, []string{"s", "ms", "m"})
	case 4:
		return namespace + "." + pick(g, subjects) + "." + pick(g, words) + ".v" + strconv.Itoa(1+g.below(4))
	case 5:
		return "kafka-0.kafka:9092,kafka-1.kafka:9092,kafka-2.kafka:9092"
	case 6:
		return "/var/lib/" + app + "/" + pick(g, words)
	default:
		return pick(g, words) + "=" + pick(g, words) + "," + pick(g, words) + "=" + strconv.Itoa(g.below(100))
	}
}
