package list

import (
	"encoding/json"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/scan"
	"github.com/skiff-k8s/skiff/wire"
)

// withType returns o with its apiVersion and kind in the JSON. The items of built-in lists have none.
func withType(o wire.Object) wire.Object {
	if o.Format != wire.JSON {
		return o // metadata, of which the names are shown
	}
	has := 0
	c := scan.New(o.Data)
	for key := range c.Members() {
		if k := string(key); k == "apiVersion" || k == "kind" {
			has++
		}
		if has == 2 {
			return o
		}
	}
	begin := 0
	for begin < len(o.Data) && o.Data[begin] != '{' {
		begin++
	}
	if begin == len(o.Data) || c.Err() != nil || has > 0 {
		return o // no object, or one with half a type, which is shown as it is
	}
	version, _ := json.Marshal(o.APIVersion)
	kind, _ := json.Marshal(o.Kind)
	data := make([]byte, 0, len(o.Data)+len(version)+len(kind)+24)
	data = append(data, `{"apiVersion":`...)
	data = append(append(data, version...), `,"kind":`...)
	data = append(data, kind...)
	rest := o.Data[begin+1:]
	if !empty(rest) {
		data = append(data, ',')
	}
	o.Data = append(data, rest...)
	return o
}

// empty reports whether what follows the brace of an object is its end.
func empty(rest []byte) bool {
	for _, b := range rest {
		switch b {
		case ' ', '\t', '\n', '\r':
		default:
			return b == '}'
		}
	}
	return true
}
