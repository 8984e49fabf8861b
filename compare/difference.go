package compare

import "fmt"

// difference is one way in which the libraries differed in one case.
type difference struct {
	Area   area
	Facet  string // what differs: "header Accept", "sent", "reason"
	Case   string // the case as a line of a table
	Theirs string
	Ours   string
}

// area is one of the three comparisons, and what part of them is made on a control plane.
type area string

const (
	inRequests     area = "requests"
	inAnswers      area = "answers"
	inKubeconfigs  area = "kubeconfigs"
	inControlPlane area = "control plane"
)

func (d difference) String() string {
	return fmt.Sprintf("%s: %s: %s\n\tclient-go: %s\n\tskiff:     %s", d.Area, d.Case, d.Facet, d.Theirs, d.Ours)
}

// results are what a comparison found.
type results struct {
	cases int
	found []difference
}

// collect adds the differences of one case.
func (r *results) collect(a area, name string, differences []difference) {
	r.cases++
	for _, d := range differences {
		d.Area, d.Case = a, name
		r.found = append(r.found, d)
	}
}
