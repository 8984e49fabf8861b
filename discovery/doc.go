// Package discovery asks an API server what it serves: its version, its API groups, and the
// resources of each.
//
//	d := discovery.New(c)
//	versions, err := d.Resources(ctx)
//	if err != nil && len(versions) == 0 {
//		return err
//	}
//	for _, v := range versions {
//		for _, r := range v.Resources {
//			fmt.Println(v.APIVersion(), r.Kind.Resource, r.Verbs)
//		}
//	}
//
// and what a name means to this server:
//
//	deploy, err := d.ForResource(ctx, "deploy")       // as kubectl understands it
//	k, err := d.ByGVK(ctx, schema.GroupVersionKind{Group: "example.com", Kind: "Backup"})
//
// # One interface, three ways to keep the answer
//
// [Client] asks each time: two requests. [Memory] asks once for a process and [Disk] once for a
// machine; both wrap another [Interface], so that a command line tool uses
//
//	d := discovery.NewMemory(discovery.NewDisk(discovery.New(c), dir, 0))
//
// A lookup that finds nothing in a cache asks the server again before it says so, at most once a
// second: what was created since is found without anybody having to Invalidate.
//
// # Partial answers
//
// Some groups are served by other processes (aggregated API servers) that may be down. Then what
// could be learned is returned together with a [*PartialError] that says what could not. Lookups
// return the error only when the answer may lie in what is missing.
//
// # The protocol
//
// The answer comes from aggregated discovery (stable since Kubernetes 1.30,
// https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery). A server that
// does not have it is asked for the documents of each group version.
package discovery
