package authenticationv1

import (
	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/client"
)

// TokenRequests returns the client of serviceaccounts/token in a namespace: Create returns a token
// of the service account of that name, in the status.
func (c Client) TokenRequests(
	namespace string) *client.Subresource[authenticationv1.TokenRequest] {
	accounts := schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}
	return client.SubresourceAt[authenticationv1.TokenRequest](c.rest, accounts, "token").In(namespace)
}
