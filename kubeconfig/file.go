package kubeconfig

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	kjson "sigs.k8s.io/json"

	"github.com/skiff-k8s/skiff/internal/files"
)

// file is a kubeconfig file as it is written. Source of the names: the v1 Config type of
// client-go's tools/clientcmd/api. Base64 data is decoded when it is used, so that a broken entry
// that is not used is no error, and one that is used can be named.
type file struct {
	Kind       string `json:"kind"`
	APIVersion string `json:"apiVersion"`
	Clusters   []struct {
		Name    string  `json:"name"`
		Cluster cluster `json:"cluster"`
	} `json:"clusters"`
	Users []struct {
		Name string `json:"name"`
		User user   `json:"user"`
	} `json:"users"`
	Contexts []struct {
		Name    string      `json:"name"`
		Context kubeContext `json:"context"`
	} `json:"contexts"`
	CurrentContext string `json:"current-context"`
}

type cluster struct {
	Server                   string `json:"server"`
	TLSServerName            string `json:"tls-server-name"`
	InsecureSkipTLSVerify    bool   `json:"insecure-skip-tls-verify"`
	CertificateAuthority     string `json:"certificate-authority"`
	CertificateAuthorityData string `json:"certificate-authority-data"`
	ProxyURL                 string `json:"proxy-url"`
	DisableCompression       bool   `json:"disable-compression"`
	Extensions               []struct {
		Name      string          `json:"name"`
		Extension json.RawMessage `json:"extension"`
	} `json:"extensions"`
}

type user struct {
	ClientCertificate     string              `json:"client-certificate"`
	ClientCertificateData string              `json:"client-certificate-data"`
	ClientKey             string              `json:"client-key"`
	ClientKeyData         string              `json:"client-key-data"`
	Token                 string              `json:"token"`
	TokenFile             string              `json:"tokenFile"`
	As                    string              `json:"as"`
	AsUID                 string              `json:"as-uid"`
	AsGroups              []string            `json:"as-groups"`
	AsUserExtra           map[string][]string `json:"as-user-extra"`
	Username              string              `json:"username"`
	Password              string              `json:"password"`
	Exec                  *pluginConfig       `json:"exec"`
	AuthProvider          *struct {
		Name   string            `json:"name"`
		Config map[string]string `json:"config"`
	} `json:"auth-provider"`
}

type kubeContext struct {
	Cluster   string `json:"cluster"`
	User      string `json:"user"`
	Namespace string `json:"namespace"`
}

// readFile reads one file. If it does not exist, the error is fs.ErrNotExist.
func readFile(path string) (*file, error) {
	data, err := files.Read(path, files.MaxKubeconfig)
	if err != nil {
		return nil, err
	}
	f, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("parse %q: %w", path, err)
	}
	return f, nil
}

// parse reads the text of a file. Its errors repeat nothing of the text but the names of entries: a
// mistyped quote can put a token where a parser would show it.
func parse(data []byte) (*file, error) {
	text, err := yamlToJSON(data)
	if err != nil {
		return nil, err
	}
	var f file
	if err := kjson.UnmarshalCaseSensitivePreserveInts(text, &f); err != nil {
		return nil, errors.New("valid YAML, but no kubeconfig" + jsonPosition(err))
	}
	if f.Kind != "" && f.Kind != "Config" || f.APIVersion != "" && f.APIVersion != "v1" {
		return nil, fmt.Errorf("it has kind %.100q and apiVersion %.100q: a kubeconfig has "+
			"Config and v1, or neither", f.Kind, f.APIVersion)
	}
	var entries []string
	for _, c := range f.Clusters {
		entries = append(entries, "cluster "+strconv.Quote(c.Name))
	}
	for _, u := range f.Users {
		entries = append(entries, "user "+strconv.Quote(u.Name))
	}
	for _, c := range f.Contexts {
		entries = append(entries, "context "+strconv.Quote(c.Name))
	}
	slices.SortFunc(entries, strings.Compare) // crypto/x509 links it, and not slices.Sort
	for i := 1; i < len(entries); i++ {
		if entries[i] == entries[i-1] {
			return nil, errors.New("it has the " + entries[i] + " twice: remove or rename one")
		}
	}
	return &f, nil
}

// jsonPosition names the field of the wrong type.
func jsonPosition(err error) string {
	var mismatch *json.UnmarshalTypeError
	if !errors.As(err, &mismatch) {
		return ""
	}
	found, _, _ := strings.Cut(mismatch.Value, " ") // "number 42": the number is the file's
	if found == "array" {
		found = "an array"
	} else {
		found = "a " + found
	}
	if mismatch.Field == "" {
		return ": it is " + found + " at the top, not a mapping"
	}
	return ": " + mismatch.Field + " is " + found + "; put quotes around it if a text is meant"
}
