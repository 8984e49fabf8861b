package kubeconfig

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	kjson "sigs.k8s.io/json"

	"github.com/skiff-k8s/skiff/rest"
)

// pluginAnswer is what a plugin prints. Source: ExecCredential of the Client Authentication (v1)
// reference.
type pluginAnswer struct {
	Kind       string `json:"kind"`
	APIVersion string `json:"apiVersion"`
	Status     *struct {
		ExpirationTimestamp   time.Time `json:"expirationTimestamp"`
		Token                 string    `json:"token"`
		ClientCertificateData string    `json:"clientCertificateData"`
		ClientKeyData         string    `json:"clientKeyData"`
	} `json:"status"`
}

// credentials reads what the plugin printed. Its errors repeat nothing of that but the kind and
// apiVersion.
func (p *plugin) credentials(printed []byte) (*rest.Credentials, error) {
	var answer pluginAnswer
	err := kjson.UnmarshalCaseSensitivePreserveInts(printed, &answer)
	status := answer.Status
	switch {
	case len(printed) == 0:
		return nil, errors.New("it printed nothing: an " + pluginKind + " is expected")
	case err != nil:
		return nil, errors.New("it printed no " + pluginKind + jsonPosition(err))
	case answer.Kind != pluginKind:
		return nil, fmt.Errorf("it printed a %.100q: an %s is expected", answer.Kind, pluginKind)
	case answer.APIVersion != p.APIVersion:
		return nil, fmt.Errorf("it printed the version %.100q, and the kubeconfig says %q: set its "+
			"apiVersion to the plugin's", answer.APIVersion, p.APIVersion)
	case status == nil:
		return nil, errors.New("it printed no status: it has no credentials")
	case status.Token == "" && status.ClientCertificateData == "" && status.ClientKeyData == "":
		return nil, errors.New("it printed neither a token nor a client certificate")
	case (status.ClientCertificateData == "") != (status.ClientKeyData == ""):
		return nil, errors.New("it printed only one of client certificate and key")
	}
	c := &rest.Credentials{
		Token: strings.TrimSpace(status.Token), Expires: status.ExpirationTimestamp,
	}
	if status.ClientCertificateData != "" {
		pair, err := tls.X509KeyPair([]byte(status.ClientCertificateData),
			[]byte(status.ClientKeyData))
		if err != nil {
			return nil, fmt.Errorf("use its client certificate: %w", err)
		}
		c.Certificate = &pair
	}
	return c, nil
}
