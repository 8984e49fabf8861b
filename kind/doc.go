// Package kind knows which resource of the Kubernetes API a Go type is: its group, version, kind,
// resource name and scope.
//
//	k, err := kind.Of[appsv1.Deployment]()
//	// k.GVR() is apps/v1, Resource=deployments; k.Namespaced is true
//
// The types built into Kubernetes are known from a table that is keyed by the type's package path
// and name, so that asking for a Pod links no package that the program does not link already. A
// custom type is told of once:
//
//	err := kind.Register[v1.Backup](kind.Info{
//		Group: "example.com", Version: "v1", Kind: "Backup", Resource: "backups", Namespaced: true,
//	})
//
// What a particular server serves, package discovery says.
package kind
