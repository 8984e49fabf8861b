package verbs

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// TrimApply takes an object's JSON and returns the part of it that is applied.
//
// A field manager owns each field that it applies. So TrimApply removes the fields that the server
// writes (creationTimestamp, generation and so on; managedFields, which it refuses) and the status,
// which is applied at the status subresource. If status is true, it keeps the status and the
// object's identity only. A resourceVersion and a uid that are set stay: with them the server
// returns a conflict if the object is not the one that was read.
func TrimApply(object []byte, apiVersion, kind string, status bool) ([]byte, error) {
	var fields, meta map[string]json.RawMessage
	if err := unmarshal(object, &fields); err != nil {
		return nil, fmt.Errorf("the object is not a JSON object: %w", err)
	}
	if raw, ok := fields["metadata"]; ok {
		if err := unmarshal(raw, &meta); err != nil {
			return nil, fmt.Errorf("the object's metadata is not a JSON object: %w", err)
		}
	}
	if status {
		fields = pick(fields, "status")
		meta = pick(meta, "name", "namespace", "uid", "resourceVersion")
	} else {
		delete(fields, "status")
		for _, key := range []string{"managedFields", "creationTimestamp", "generation", "selfLink",
			"deletionTimestamp", "deletionGracePeriodSeconds"} {
			delete(meta, key)
		}
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
