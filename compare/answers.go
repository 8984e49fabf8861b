package compare

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
)

// served is what the server of a case answers, to each request of it.
type served struct {
	name   string
	code   int
	header [][2]string
	body   []byte
	// cut closes the connection after the body, before its announced end.
	cut bool
	// first answers the first request only; then the server answers well.
	first bool
	// to are the verbs that the answer makes sense for; nil means all.
	to []verb
}

func (s served) String() string { return s.name }

// answeredCase is a call and the answer to it.
type answeredCase struct {
	operation operation
	answer    served
}

func (c answeredCase) line() string { return c.operation.String() + ": " + c.answer.name }

// asked are the calls that are answered.
var asked = []operation{
	{layer: typed, verb: get, on: pods},
	{layer: typed, verb: list, on: pods},
	{layer: typed, verb: watching, on: pods},
	{layer: typed, verb: create, on: pods},
	{layer: typed, verb: update, on: pods},
	{layer: typed, verb: patch, on: pods, patchType: types.MergePatchType},
	{layer: typed, verb: remove, on: pods},
	{layer: typed, verb: deleteCollection, on: pods},
	{layer: untyped, verb: get, on: pods},
	{layer: untyped, verb: list, on: pods},
	{layer: untyped, verb: watching, on: pods},
	{layer: untyped, verb: create, on: pods},
	{layer: untyped, verb: remove, on: pods},
	{layer: untyped, verb: apply, on: pods},
	{layer: metadata, verb: get, on: pods},
	{layer: metadata, verb: list, on: pods},
	{layer: metadata, verb: watching, on: pods},
	{layer: raw, verb: get, on: pods},
	{layer: raw, verb: create, on: pods},
}

// answersEach is how many of the calls an answer is given to that fits them all.
const answersEach = 4

// answeredCases makes the cases.
func answeredCases() []answeredCase {
	r := rand.New(rand.NewPCG(seed, 1))
	var all []answeredCase
	for _, a := range answers() {
		var calls []operation
		for _, o := range asked {
			if a.to == nil || slices.Contains(a.to, o.verb) {
				calls = append(calls, o)
			}
		}
		r.Shuffle(len(calls), func(i, j int) { calls[i], calls[j] = calls[j], calls[i] })
		if a.to == nil {
			calls = calls[:answersEach]
		}
		for _, o := range calls {
			o.namespace, o.name = "ns", "p"
			o.object = `{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"ns","name":"p"},"spec":{"containers":[{"name":"c"}]}}`
			o.patch, o.apply.FieldManager = `{}`, "me"
			all = append(all, answeredCase{o, a.fit(o)})
		}
	}
	return all
}

// fit returns the answer for a call: the marks in its body are replaced.
func (s served) fit(o operation) served {
	apiVersion, kind := "v1", "Pod"
	if o.layer == metadata {
		apiVersion, kind = "meta.k8s.io/v1", "PartialObjectMetadata"
	}
	object := func(name string) string {
		return fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"name":%q,"namespace":"ns","resourceVersion":"8","uid":"u-%s"}}`,
			apiVersion, kind, name, name)
	}
	good := object("p")
	if o.verb == list {
		good = fmt.Sprintf(`{"apiVersion":%q,"kind":"%sList","metadata":{"resourceVersion":"9"},"items":[%s]}`, apiVersion, kind, good)
	}
	if o.verb == deleteCollection {
		good = `{"apiVersion":"v1","kind":"Status","metadata":{},"status":"Success"}`
	}
	if o.verb == watching {
		good = fmt.Sprintf(`{"type":"ADDED","object":%s}`+"\n", good)
	}
	s.body = []byte(strings.NewReplacer("GOOD", good, "OBJECT", object("p"), "OTHER", object("q"),
		"APIVERSION", apiVersion, "KIND", kind).Replace(string(s.body)))
	for _, h := range s.header {
		if h[0] == "Content-Encoding" && h[1] == "gzip" && s.code == http.StatusOK && !bytes.HasPrefix(s.body, []byte("broken")) {
			s.body = zipped(s.body)
		}
	}
	return s
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b) // into memory
	_ = w.Close()
	return out.Bytes()
}

var isJSON = [2]string{"Content-Type", "application/json"}

func jsonOf(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // API types
	}
	return text
}

// protobufOf returns the protobuf message of an object with its envelope.
func protobufOf(obj runtime.Object) []byte {
	var out bytes.Buffer
	gvks, _, err := scheme.Scheme.ObjectKinds(obj)
	if err != nil {
		panic(err) // API types
	}
	obj.GetObjectKind().SetGroupVersionKind(gvks[0])
	if err := fromProtobuf.Encode(obj, &out); err != nil {
		panic(err) // API types
	}
	return out.Bytes()
}

// answers are all answers: refusals, objects, lists, watches, and broken ones.
func answers() []served {
	return slices.Concat(refusals(), oddRefusals(), retryAfters(), objects(), lists(), watches(), brokenAnswers())
}
