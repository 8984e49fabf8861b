// Package webhook answers the API server's questions: whether a request is admitted (Validate), what
// is to be changed in its object before it is stored (Default), and what a custom resource is in
// another version (Convert).
//
//	validate := webhook.Validate(func(ctx context.Context, r *webhook.Request[v1.Backup]) ([]string, error) {
//		if r.Operation == webhook.Update && r.Object.Spec.Bucket != r.OldObject.Spec.Bucket {
//			return nil, webhook.Deny("the bucket of a backup does not change")
//		}
//		return nil, nil
//	})
//	defaults := webhook.Default(func(ctx context.Context, r *webhook.Request[v1.Backup]) error {
//		if r.Object.Spec.Keep == 0 {
//			r.Object.Spec.Keep = 7
//		}
//		return nil
//	})
//	hooks := webhook.NewServer(webhook.Options{Address: ":9443",
//		Authority: webhook.NewAuthority(c, webhook.AuthorityOptions{
//			Namespace: "backups", Secret: "backups-webhook", Service: "backups-webhook",
//			Validating: []string{"backups"}, Mutating: []string{"backups"}}),
//	}, validate, defaults)
//	err := operator.Run(ctx, operator.Options{Webhooks: hooks, …}, …)
//
// A custom resource with several versions has one that the others are converted through:
//
//	webhook.Convert(webhook.From(func(src *v1beta1.Backup, dst *v1.Backup) error { … },
//		func(src *v1.Backup, dst *v1beta1.Backup) error { … }))
//
// Package webhooktest converts random objects there and back, and names what is lost.
//
// [Server] is the Webhooks of operator.Options: it runs on all replicas, and the operator is ready
// when it has its certificate. The certificate comes from files (Options.Certificate), or from a CA
// of the operator's own in a Secret ([Authority]). [Configurations] prints what registers the
// webhooks with the API server, and [Server.Rules] are the rights that they need.
//
// # What is not here
//
// Webhooks for authentication (TokenReview), authorization (SubjectAccessReview), audit and image
// policy are configured by files of the API server and not by objects; they are not done. Of
// admission, the versions v1beta1 of AdmissionReview and audit annotations are not done.
//
// # What is open to whom
//
// API servers do not identify themselves to webhooks unless their operators configure that, so
// whoever reaches the port can send reviews, and read what a webhook answers. A webhook changes
// nothing by its answer alone; a function that writes something lets everybody write it who reaches
// the port. Bodies are limited: 8 MiB for a review, 32 MiB for a conversion, and as much as 72 MiB
// for all that are answered at the same time; further ones wait. Idle requests take none of that. A
// NetworkPolicy limits who reaches the port.
package webhook
