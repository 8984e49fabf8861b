package compare

import "regexp"

// why is the reason of a difference.
type why string

const (
	wrong   why = "client-go is wrong"
	decided why = "a decision"
	notDone why = "not done"
)

// reason explains differences. The first reason of the table that matches a difference is its reason.
type reason struct {
	area   area
	facet  string // a regular expression of the whole facet
	of     string // a regular expression that finds something in the case; "" means every case
	theirs string // the same for what client-go did
	ours   string // and for what skiff did

	// everywhere: the difference is there in nearly every case, so it is not counted in the table of
	// the comparisons.
	everywhere bool

	// The document's row.
	what     string
	skiff    string
	clientGo string
	why      why
	source   string // the issue, the KEP or the sentence
}

// matches reports whether r explains d.
func (r *reason) matches(d difference) bool {
	return r.area == d.Area && whole(r.facet).MatchString(d.Facet) && find(r.of).MatchString(d.Case) &&
		find(r.theirs).MatchString(d.Theirs) && find(r.ours).MatchString(d.Ours)
}

var compiled = map[string]*regexp.Regexp{}

func whole(text string) *regexp.Regexp { return find("^(" + text + ")$") }

func find(text string) *regexp.Regexp {
	if re, ok := compiled[text]; ok {
		return re
	}
	re := regexp.MustCompile("(?s)" + text)
	compiled[text] = re
	return re
}

// explain returns the index of the reason of a difference, or -1.
func explain(all []reason, d difference) int {
	for i := range all {
		if all[i].matches(d) {
			return i
		}
	}
	return -1
}
