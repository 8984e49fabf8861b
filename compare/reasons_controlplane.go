package compare

import "slices"

// controlPlaneReasons explain what the same calls to a kube-apiserver return. The first ones are those of
// the answers.
var controlPlaneReasons = slices.Concat(inArea(inControlPlane, answerReasons[:3]), []reason{
	{area: inControlPlane, facet: `object\.items`, theirs: `^(null|\[\])$`, ours: `^(null|\[\])$`,
		what:     "a list of no items in protobuf",
		skiff:    "Items is empty",
		clientGo: "Items is nil",
		why:      decided, source: "A list without items is [] in JSON, in every format."},
	{area: inControlPlane, facet: `object\.metadata\.continue`, theirs: `^""$`, ours: `^null$`,
		what:     "the continue token of a list without further pages, in the dynamic client",
		skiff:    "is not there",
		clientGo: "is empty for custom resources, and not there for others",
		why:      decided, source: "The same list looks the same, whoever serves it."},
	{area: inControlPlane, facet: `predicates|status`, of: `apply without a manager`,
		what:     "an apply without a field manager",
		skiff:    "is a *kind.MisuseError",
		clientGo: "is the server's error: apierrors.IsInvalid holds for it",
		why:      decided, source: "If a call cannot be right whatever the server answers, no request is sent."},
	{area: inControlPlane, facet: `predicates|status\..*`, of: `^REST .*get what is not there`,
		what:     "DoRaw, if the server answers with a Status",
		skiff:    "the error is the server's Status",
		clientGo: "the Status is not read: the error has the reason of the code, and no message or details",
		why:      wrong, source: "kubernetes/kubernetes#65136"},
})

func inArea(a area, all []reason) []reason {
	all = slices.Clone(all)
	for i := range all {
		all[i].area = a
	}
	return all
}
