// webhooks is an operator's webhooks alone: a Service of type NodePort is refused, unless an
// annotation permits it, and each Service has a label with the name of its team. With --print it
// prints what registers them with the API server, and the rights that they need.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/operator"
	"github.com/skiff-k8s/skiff/operator/webhook"
	"github.com/skiff-k8s/skiff/rest"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const nodePorts = "example.com/node-ports" // the annotation: "allowed"

func main() {
	var settings operator.Settings
	var own struct {
		WebhookAddress string `help:"the host:port of the webhooks; default: 127.0.0.1:9443; API servers need :9443"`
		WebhookHost    string `help:"the host by which API servers reach them, if that is no Service"`
		Print          bool   `help:"print the webhook configurations, the ClusterRole and the Role, and end"`
	}
	operator.Parse("WEBHOOKS_", &settings, &own)
	cfg, err := kubeconfig.Load("")
	exitOn(err)
	c, err := rest.NewClient(cfg)
	exitOn(err)

	authority := webhook.AuthorityOptions{Namespace: cfg.Namespace, Secret: "webhooks", Service: "webhooks",
		Validating: []string{"webhooks"}, Mutating: []string{"webhooks"}}
	if own.WebhookHost != "" {
		authority.Hosts = []string{own.WebhookHost}
	}
	hooks := []*webhook.Hook{webhook.Validate(validate), webhook.Default(defaults)}
	server := webhook.NewServer(webhook.Options{Address: own.WebhookAddress,
		Authority: webhook.NewAuthority(c, authority)}, hooks...)
	if own.Print {
		configurations, err := webhook.Configurations(webhook.ConfigurationOptions{Name: "webhooks",
			Namespace: cfg.Namespace, Service: "webhooks"}, hooks...)
		exitOn(err)
		fmt.Print(configurations, "---\n", operator.RBAC(operator.RBACOptions{Name: "webhooks", Rules: server.Rules(),
			Namespace: cfg.Namespace, NamespacedRules: server.NamespacedRules()}))
		return
	}
	exitOn(operator.Run(context.Background(), operator.Options{Name: "webhooks", Settings: settings, Webhooks: server}))
}

func validate(_ context.Context, r *webhook.Request[corev1.Service]) (warnings []string, err error) {
	if r.Object.Spec.Type == corev1.ServiceTypeNodePort && r.Object.Annotations[nodePorts] != "allowed" {
		return nil, webhook.Deny("type NodePort needs the annotation %s: allowed", nodePorts)
	}
	if len(r.Object.Spec.ExternalIPs) > 0 {
		warnings = append(warnings, "externalIPs are not checked: whoever sets them takes their traffic")
	}
	return warnings, nil
}

func defaults(_ context.Context, r *webhook.Request[corev1.Service]) error {
	if r.Object.Labels["team"] == "" {
		metav1.SetMetaDataLabel(&r.Object.ObjectMeta, "team", r.Namespace)
	}
	return nil
}

func exitOn(err error) {
	if err != nil {
		slog.Error(err.Error())
		os.Exit(1)
	}
}
