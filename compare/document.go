package compare

import (
	"fmt"
	"regexp"
	"strings"
)

// The part of docs/differences.md that is made here.
const (
	documentBegins = "<!-- made by make differences: begin -->\n"
	documentEnds   = "<!-- made by make differences: end -->\n"
)

// row is a line of the document's tables: the reasons of one area that say the same.
type row struct {
	*reason
	cases map[string]bool
}

// areas are the comparisons, in the document's order.
var areas = []struct {
	area  area
	title string
	what  string
}{
	{inRequests, "Requests", "The same calls, and what the recording server received."},
	{inAnswers, "Answers", "The same calls and the same answers, and what the caller is told."},
	{inKubeconfigs, "Kubeconfigs", "The same files and options, and what a request is sent with."},
	{inControlPlane, "The control plane", "The same calls to a kube-apiserver, and what the caller is told."},
}

// document returns the made part of docs/differences.md.
func document(all map[area]*results) string {
	rows := map[area][]*row{}
	for i := range reasons {
		r := &reasons[i]
		var same *row
		for _, x := range rows[r.area] {
			if x.what == r.what {
				same = x
			}
		}
		if same == nil {
			rows[r.area] = append(rows[r.area], &row{r, map[string]bool{}})
		}
	}
	for _, a := range areas {
		for _, d := range all[a.area].found {
			if i := explain(reasons, d); i >= 0 {
				for _, x := range rows[a.area] {
					if x.what == reasons[i].what {
						x.cases[d.Case] = true
					}
				}
			}
		}
	}
	equal := map[area]int{}
	for _, a := range areas {
		differ := map[string]bool{}
		for _, d := range all[a.area].found {
			if i := explain(reasons, d); i < 0 || !reasons[i].everywhere {
				differ[d.Case] = true
			}
		}
		equal[a.area] = all[a.area].cases - len(differ)
	}
	var b strings.Builder
	b.WriteString("| comparison | cases | equal | kinds of differences | " + string(wrong) + " | " + string(decided) + " | " + string(notDone) + " |\n")
	b.WriteString("|---|---|---|---|---|---|---|\n")
	for _, a := range areas {
		count := map[why]int{}
		for _, x := range rows[a.area] {
			count[x.why]++
		}
		fmt.Fprintf(&b, "| [%s](#%s) | %d | %d | %d | %d | %d | %d |\n", a.title, anchor(a.title), all[a.area].cases, equal[a.area],
			len(rows[a.area]), count[wrong], count[decided], count[notDone])
	}
	for _, a := range areas {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| what | skiff | client-go | cases | reason |\n|---|---|---|---|---|\n", a.title, a.what)
		for _, x := range rows[a.area] {
			what := cell(x.what)
			if x.everywhere {
				what = "*" + what + "*"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %d | %s |\n", what, cell(x.skiff), cell(x.clientGo), len(x.cases), because(x.reason))
		}
	}
	return b.String()
}

func anchor(title string) string { return strings.ReplaceAll(strings.ToLower(title), " ", "-") }

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

var issue = regexp.MustCompile(`([\w.-]+/[\w.-]+)#(\d+)`)

// because returns the last cell of a row. An issue's or a pull request's number becomes a link: GitHub
// redirects the one to the other.
func because(r *reason) string {
	source := issue.ReplaceAllString(cell(r.source), "[$0](https://github.com/$1/issues/$2)")
	if r.why == decided {
		return "decision: " + source
	}
	return string(r.why) + ": " + source
}

// replaceMade returns the text with the part between the marks replaced.
func replaceMade(text, made string) (string, error) {
	before, rest, ok := strings.Cut(text, documentBegins)
	_, after, ok2 := strings.Cut(rest, documentEnds)
	if !ok || !ok2 {
		return "", fmt.Errorf("it has no part between %q and %q", documentBegins, documentEnds)
	}
	return before + documentBegins + made + documentEnds + after, nil
}
