package wire_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/wire"
)

func TestMalformedListIsAnErrorThatSaysWhere(t *testing.T) {
	const item = `{"metadata":{"name":"a"}}`
	for name, tt := range map[string]struct {
		list string
		at   int64
		says string
	}{
		"not an object":                {`[]`, 0, `{ was expected, not "["`},
		"text":                         {`404 page not found`, 0, `{ was expected, not "4"`},
		"no list but a Status":         {`{"kind":"Status","code":410}`, 28, `it has no items, so it is no list; its kind is "Status"`},
		"a table":                      {`{"kind":"Table","rows":[]}`, 26, `it has no items`},
		"items that are an object":     {`{"items":{}}`, 9, `[ was expected, not "{"`},
		"an item that is null":         {`{"items":[null]}`, 10, `the list cannot be read: JSON at byte 10: { was expected, not "n"`},
		"an item that is a number":     {`{"items":[` + item + `,1]}`, 36, `the list after item 1 cannot be read: JSON at byte 36: { was expected, not "1"`},
		"no comma":                     {`{"items":[` + item + item + `]}`, 35, `a comma or ] was expected, not "{"`},
		"a comma too many":             {`{"items":[` + item + `,]}`, 36, `{ was expected, not "]"`},
		"a comma too many, in it":      {`{"items":[],}`, 12, `a key was expected, not "}"`},
		"a second document":            {`{"items":[]}{"items":[]}`, 12, `the end of the document was expected, not "{"`},
		"trailing text":                {`{"items":[]} x`, 13, `the end of the document was expected, not "x"`},
		"items twice":                  {`{"items":[],"items":[]}`, 13, `a second time`},
		"metadata twice":               {`{"metadata":{},"metadata":{},"items":[]}`, 16, `a second time`},
		"an item with metadata twice":  {`{"items":[{"metadata":{},"metadat\u0061":{}}]}`, 26, `a second time`},
		"metadata that are a string":   {`{"items":[{"metadata":"x"}]}`, 22, `{ was expected`},
		"a name that is a number":      {`{"items":[{"metadata":{"name":7}}]}`, 30, `a string was expected, not "7"`},
		"labels that are an array":     {`{"items":[{"metadata":{"labels":[]}}]}`, 32, `{ was expected`},
		"a label that is a number":     {`{"items":[{"metadata":{"labels":{"a":1}}}]}`, 37, `a string was expected`},
		"an annotation that is a map":  {`{"items":[{"metadata":{"annotations":{"a":{}}}}]}`, 42, `a string was expected`},
		"annotations that are a word":  {`{"items":[{"metadata":{"annotations":true}}]}`, 37, `{ was expected`},
		"a generation with a fraction": {`{"items":[{"metadata":{"generation":1.5}}]}`, 36, `1.5 is no integer`},
		"a generation that is huge":    {`{"items":[{"metadata":{"generation":9223372036854775808}}]}`, 36, `is no integer of 64 bits`},
		"owners that are an object":    {`{"items":[{"metadata":{"ownerReferences":{}}}]}`, 41, `[ was expected`},
		"a bad escape":                 {`{"items":[{"a":"\x"}]}`, 17, `an escape sequence was expected, not "x"`},
		"a bad \\u":                    {`{"items":[{"a":"\u12g4"}]}`, 20, `a hexadecimal digit was expected, not "g"`},
		"a line break in a string":     {"{\"items\":[{\"a\":\"\n\"}]}", 16, `control characters are to be escaped`},
		"a zero byte":                  {"{\"items\":\x00[]}", 9, `[ was expected, not "\x00"`},
		"a leading zero":               {`{"items":[{"a":01}]}`, 16, `a comma or } was expected, not "1"`},
		"a lone minus":                 {`{"items":[{"a":-}]}`, 16, `a digit was expected`},
		"no digit after the point":     {`{"items":[{"a":1.}]}`, 17, `a digit was expected`},
		"no exponent":                  {`{"items":[{"a":1e+}]}`, 18, `a digit was expected`},
		"an unknown word":              {`{"items":[{"a":nul}]}`, 18, `null was expected, not "}"`},
		"a key without quotes":         {`{"items":[{a:1}]}`, 11, `a key was expected`},
		"a comment":                    {`{"items":[/* */]}`, 10, `{ was expected, not "/"`},
		"no colon":                     {`{"items" []}`, 9, `a colon was expected`},
		"too deep":                     {`{"items":[{"a":` + strings.Repeat("[", 10001), 10012, `nest deeper than 10000`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, chunked := range chunkings(1) {
				_, _, err := readList(chunked(strings.NewReader(tt.list)), wire.JSON, wire.Options{})
				var syntax *wire.SyntaxError
				if !errors.As(err, &syntax) {
					t.Fatalf("got %v", err)
				}
				if syntax.Offset != tt.at || !strings.Contains(err.Error(), tt.says) || syntax.Format != wire.JSON {
					t.Fatalf("got %q at %d, want %q at %d", err, syntax.Offset, tt.says, tt.at)
				}
			}
		})
	}
}

func TestMalformedProtobufListIsAnErrorThatSaysWhere(t *testing.T) {
	// typed is the envelope of a list with what its message is to be.
	typed := func(kind, msg string) string {
		typeMeta := "\x0a\x02v1\x12" + string(rune(len(kind))) + kind
		return "k8s\x00" + "\x0a" + string(rune(len(typeMeta))) + typeMeta + "\x12" + string(rune(len(msg))) + msg
	}
	begin := int64(len(typed("PodList", "")))
	const named = "\x0a\x03\x0a\x01a" // an object with the name a
	if objects, _, err := readList(strings.NewReader(typed("PodList", "\x12\x05"+named)), wire.Protobuf, wire.Options{}); err != io.EOF ||
		len(objects) != 1 || objects[0].Meta.Name != "a" || objects[0].Kind != "Pod" {
		t.Fatalf("the list that the others are made from is not good: %+v, %v", objects, err)
	}
	for name, tt := range map[string]struct {
		list string
		at   int64
		says string
	}{
		"JSON":                             {`{"items":[]}`, 0, `it begins with "{\"it"`},
		"a pod":                            {typed("Pod", named), begin - 6, `it is no list, by the name of its kind`},
		"a status":                         {typed("Status", ""), begin - 3, `the Status cannot be read`},
		"no list in the envelope":          {"k8s\x00\x0a\x04\x0a\x02v1", 10, io.ErrUnexpectedEOF.Error()},
		"two lists in the envelope":        {typed("PodList", "") + "\x12\x00", begin, `a second list`},
		"a list as a number":               {"k8s\x00\x10\x07", 4, `field 2 has wire type 0, not 2`},
		"a list of a varint without end":   {"k8s\x00\x12" + strings.Repeat("\xff", 11), 5, `more than 64 bits`},
		"a list larger than any":           {"k8s\x00\x12" + strings.Repeat("\xff", 9) + "\x01", 4, `more than are left`},
		"a compressed list":                {typed("PodList", "") + "\x1a\x04gzip", begin, `content encoding "gzip"`},
		"a list that is said to be JSON":   {typed("PodList", "") + "\x22\x10application/json", begin, `content type "application/json"`},
		"field number 0":                   {typed("PodList", "\x02\x00"), begin, `0 is no field number`},
		"a group":                          {typed("PodList", "\x0b"), begin, `wire type 3`},
		"an item longer than the list":     {typed("PodList", "\x12\x06"+named), begin, `field 2 claims 6 bytes`},
		"an item that is a number":         {typed("PodList", "\x10\x06"), begin, `field 2 has wire type 0, not 2`},
		"a header longer than the list":    {typed("PodList", "\x12") + "\x00", begin + 1, io.ErrUnexpectedEOF.Error()},
		"a field longer than its item":     {typed("PodList", "\x12\x05\x0a\x04\x0a\x01a"), begin + 4, `field 1 claims 4 bytes`},
		"a name longer than its metadata":  {typed("PodList", "\x12\x05\x0a\x03\x0a\x02a"), begin + 6, `field 1 claims 2 bytes`},
		"a name that ends in what follows": {typed("PodList", "\x12\x07\x0a\x03\x0a\x02a\x12\x00"), begin + 6, `field 1 claims 2 bytes`},
		"a list of a number too large":     {"k8s\x00\x12" + strings.Repeat("\xff", 9) + "\x02", 5, `more than 64 bits`},
		"a name that is a number":          {typed("PodList", "\x12\x04\x0a\x02\x08\x02"), begin + 4, `field 1 has wire type 0, not 2`},
		"an item with metadata twice":      {typed("PodList", "\x12\x0a"+named+named), begin + 7, `a second time`},
		"a list with metadata twice":       {typed("PodList", "\x0a\x00\x0a\x00"), begin + 2, `a second time`},
		"a list's metadata of no sense":    {typed("PodList", "\x0a\x02\x12\x09"), begin + 4, `field 2 claims 9 bytes`},
		"a list's metadata of a gigabyte":  {"k8s\x00\x12\xff\xff\xff\xff\x7f\x0a\x80\x80\x80\x80\x04", 10, `more than any list needs`},
		"an owner that is cut":             {typed("PodList", "\x12\x07\x0a\x05\x6a\x03\x0a\x02a"), begin + 8, `field 1 claims 2 bytes`},
		"a label that is cut":              {typed("PodList", "\x12\x07\x0a\x05\x5a\x03\x0a\x02a"), begin + 8, `field 1 claims 2 bytes`},
		"an annotation that is cut":        {typed("PodList", "\x12\x07\x0a\x05\x62\x03\x0a\x02a"), begin + 8, `field 1 claims 2 bytes`},
		"an unknown field of a bad length": {typed("PodList", "\x3a\x05a"), begin, `field 7 claims 5 bytes`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, chunked := range chunkings(1) {
				_, _, err := readList(chunked(strings.NewReader(tt.list)), wire.Protobuf, wire.Options{})
				var syntax *wire.SyntaxError
				if !errors.As(err, &syntax) {
					t.Fatalf("got %v", err)
				}
				if syntax.Offset != tt.at || !strings.Contains(err.Error(), tt.says) || syntax.Format != wire.Protobuf {
					t.Fatalf("got %q at %d, want %q at %d", err, syntax.Offset, tt.says, tt.at)
				}
			}
		})
	}
}
