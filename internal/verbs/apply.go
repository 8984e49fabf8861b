package verbs

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// TrimApply takes an object's JSON and returns what is applied of it.
//
// Whoever applies a field owns it. So what the server writes goes (creationTimestamp, generation and
// the like; managedFields, which it refuses), and the status, which belongs to the status
// subresource. Of what is applied to the status, the metadata but the object's identity goes
// instead, and the spec. The resourceVersion and the uid stay where they are set: by them the caller
// asks for a conflict if the object is another than the one that was read.
func TrimApply(object []byte, apiVersion, kind string, status bool) ([]byte, error) {
	var fields, meta map[string]json.RawMessage
	if err := unmarshal(object, &fields); err != nil {
		return nil, fmt.Errorf("an object to apply is a JSON object: %w", err)
	}
	if raw, ok := fields["metadata"]; ok {
		if err := unmarshal(raw, &meta); err != nil {
			return nil, fmt.Errorf("metadata of an object to apply: %w", err)
		}
	}
	if status {
		fields = pick(fields, "status")
		meta = pick(meta, "name", "namespace", "uid", "resourceVersion")
	} else {
		delete(fields, "status")
		for _, key := range []string{"managedFields", "creationTimestamp", "generation", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"} {
			delete(meta, key)
		}
	}
	for _, key := range []string{"uid", "resourceVersion"} {
		if string(meta[key]) == `""` {
			delete(meta, key)
		}
	}
	for key, value := range map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": meta} {
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
