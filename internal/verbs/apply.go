package verbs

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Part is what TrimApply keeps of an object.
type Part int

const (
	// WithoutStatus keeps everything but the status: for an object of a Go type, which has one whether
	// the caller has set it or not.
	WithoutStatus Part = iota
	// Whole keeps the status, too. The server drops it if the resource has a status subresource, and
	// applies it like any other field if not.
	Whole
	// StatusOnly keeps the status and the object's identity.
	StatusOnly
)

// TrimApply takes an object's JSON and returns the part of it that is applied.
//
// A field manager owns each field that it applies. So TrimApply removes the fields that the server
// writes (creationTimestamp, generation and so on; managedFields, which it refuses). A
// resourceVersion and a uid that are set stay: with them the server returns a conflict if the
// object is not the one that was read.
func TrimApply(object []byte, apiVersion, kind string, part Part) ([]byte, error) {
	var fields, meta map[string]json.RawMessage
	if err := unmarshal(object, &fields); err != nil {
		return nil, fmt.Errorf("the object is not a JSON object: %w", err)
	}
	if raw, ok := fields["metadata"]; ok {
		if err := unmarshal(raw, &meta); err != nil {
			return nil, fmt.Errorf("the object's metadata is not a JSON object: %w", err)
		}
	}
	switch part {
	case StatusOnly:
		fields = pick(fields, "status")
		meta = pick(meta, "name", "namespace", "uid", "resourceVersion")
	case WithoutStatus:
		delete(fields, "status")
	}
	for _, key := range []string{"managedFields", "creationTimestamp", "generation", "selfLink",
		"deletionTimestamp", "deletionGracePeriodSeconds"} {
		delete(meta, key)
	}
	for _, key := range []string{"uid", "resourceVersion"} {
		if string(meta[key]) == `""` {
			delete(meta, key)
		}
	}
	for key, value := range map[string]any{"apiVersion": apiVersion, "kind": kind,
		"metadata": meta} {
		raw, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		fields[key] = raw
	}
	return json.Marshal(fields)
}

func unmarshal(data []byte, into *map[string]json.RawMessage) error {
	if err := json.Unmarshal(data, into); err != nil {
		return err
	}
	if *into == nil {
		return fmt.Errorf("it is %s", bytes.TrimSpace(data))
	}
	return nil
}

func pick(from map[string]json.RawMessage, keys ...string) map[string]json.RawMessage {
	to := map[string]json.RawMessage{}
	for _, key := range keys {
		if value, ok := from[key]; ok {
			to[key] = value
		}
	}
	return to
}
