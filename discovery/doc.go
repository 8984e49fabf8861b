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
//			fmt.Println(v.APIVersion(), r.Info.Resource, r.Verbs)
//		}
//	}
//
// It also finds the resource that a name or a kind means on this server:
//
//	deploy, err := d.ForResource(ctx, "deploy") // the names that kubectl accepts
//	backups, err := d.ByGVK(ctx, schema.GroupVersionKind{Group: "example.com", Kind: "Backup"})
//
// [Client.IsEnabled] reports whether a resource is served. [NewMapper] returns a meta.RESTMapper for
// code that needs one; it knows categories too.
//
// [NewOpenAPI] reads the OpenAPI v3 documents.
//
// # Caches
//
// A [Client] asks the server each time, or keeps the answer:
//
//   - [New] asks for every call, by two requests.
//   - [NewMemory] asks once in the life of a process.
//   - [NewDisk] asks once in six hours on a machine, and shares its files with kubectl.
//
// The caches wrap another client, so they can be combined. A command line tool uses both:
//
//	d := discovery.NewMemory(discovery.NewDisk(discovery.New(c), dir, 0))
//
// [Watch] drops what is kept when a CustomResourceDefinition or an APIService changes.
//
// [CacheHTTP] keeps the server's answers in files, as kubectl does, and asks only whether they have
// changed.
//
// If a lookup finds nothing in a cache, it asks the server again, at most once a second. Resources
// that were created later are therefore found without Invalidate.
//
// # Partial answers
//
// Some groups are served by other processes, aggregated API servers, which may be down. Then a call
// returns what is known together with a [*PartialError] that names the groups that are missing. A
// lookup returns that error only if the match may be in one of them.
//
// The caches keep partial answers too, in memory and on disk. Catalog, Resources and the lookups
// whose match may be in a missing group use such an answer for 30 seconds.
//
// # The protocol
//
// The client uses aggregated discovery (KEP-3352, stable since Kubernetes 1.30,
// https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery). If a server
// does not have it, the client requests the document of each group version.
package discovery
