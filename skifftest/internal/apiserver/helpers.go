package apiserver

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func base64Of(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func cloneContent(o content) content { return runtime.DeepCopyJSON(o) }

// rawProtobuf returns the message in an envelope.
func rawProtobuf(data []byte) ([]byte, error) {
	rest, ok := bytes.CutPrefix(data, magic)
	if !ok {
		return nil, fmt.Errorf("provided data does not appear to be a protobuf message, expected prefix %v", magic)
	}
	var u runtime.Unknown
	if err := u.Unmarshal(rest); err != nil {
		return nil, err
	}
	return u.Raw, nil
}

func jsonUnmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }

func negativeReplicas(n int64) field.ErrorList {
	return field.ErrorList{field.Invalid(field.NewPath("spec", "replicas"), n,
		"must be greater than or equal to 0")}
}
