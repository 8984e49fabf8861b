// Package replay_test holds the replay server against the clients that the bench compares.
package replay_test

import (
	_ "k8s.io/client-go/dynamic/dynamicinformer"
	_ "k8s.io/client-go/informers"
	_ "k8s.io/client-go/kubernetes"
	_ "k8s.io/client-go/metadata/metadatainformer"
	_ "sigs.k8s.io/controller-runtime"

	_ "github.com/skiff-k8s/skiff/controller"
	_ "github.com/skiff-k8s/skiff/dynamic"
	_ "github.com/skiff-k8s/skiff/informer"
)
