package oidc

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// The kubeconfig of a user of an OIDC provider reaches a control plane that trusts the provider. Its
// ID token has expired.
func TestOIDCProvider(t *testing.T) {
	logged(t)
	i := newIssuer(t)
	dir := t.TempDir()
	ca := filepath.Join(dir, "issuer.crt")
	if err := os.WriteFile(ca, i.ca(), 0o600); err != nil {
		t.Fatal(err)
	}
	cluster := controlplane.New(t, controlplane.WithoutControllerManager(), controlplane.WithAPIServerArgs(
		"--oidc-issuer-url="+i.address(), "--oidc-client-id=kubernetes", "--oidc-ca-file="+ca,
		"--oidc-username-claim=email", "--oidc-username-prefix=oidc:"))
	admin := cluster.Config()
	text, err := os.ReadFile(filepath.Join("..", "testdata", "providers", "oidc.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	encoded := base64.StdEncoding.EncodeToString
	path := filepath.Join(dir, "config")
	replaced := strings.NewReplacer("CA_DATA", encoded(admin.TLS.CAData), "SERVER", admin.Host, "ISSUER_CA", encoded(i.ca()),
		"ISSUER", i.address(), "ID_TOKEN", i.sign(time.Now().Add(-time.Hour)), "REFRESH_TOKEN", "refresh-token-0").Replace(string(text))
	if err := os.WriteFile(path, []byte(replaced), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := kubeconfig.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := rest.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdleConnections()
	whoami := func() (string, error) {
		var review authenticationv1.SelfSubjectReview
		err := c.GroupVersion(authenticationv1.SchemeGroupVersion).Post().Resource("selfsubjectreviews").
			Body(&authenticationv1.SelfSubjectReview{}).Do(t.Context()).Into(&review)
		return review.Status.UserInfo.Username, err
	}
	// The API server learns the issuer's keys after it is ready.
	const patience = 2 * time.Minute
	began, name := time.Now(), ""
	for {
		if name, err = whoami(); !apierrors.IsUnauthorized(err) || time.Since(began) > patience {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil || name != "oidc:jane@example.com" {
		t.Errorf("the server sees %q, %v", name, err)
	}
}
