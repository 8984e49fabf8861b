// Package kind maps Go types to resources of the Kubernetes API: to a group, version, kind,
// resource name and scope.
//
//	k, err := kind.Of[appsv1.Deployment]()
//	// k.GVR() is apps/v1, Resource=deployments; k.Namespaced is true
//
// The types built into Kubernetes are in a table whose keys are package paths and type names, so
// that the table links none of their packages. A program registers its own types once:
//
//	err := kind.Register[v1.Backup](kind.Info{
//		Group: "example.com", Version: "v1", Kind: "Backup", Resource: "backups", Namespaced: true,
//	})
//
// Package discovery returns what a particular server serves.
package kind
