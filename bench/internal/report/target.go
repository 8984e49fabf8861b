package report

// Target is what is asked of a figure.
type Target struct {
	Must string // for people
	// met reports whether the target is met. clientGo is 0 if it was not measured and the target
	// does not need it.
	met          func(skiff, clientGo float64) bool
	needClientGo bool
}

// atMost asks for no more than a value.
func atMost(limit float64, must string) *Target {
	return &Target{Must: must, met: func(skiff, _ float64) bool { return skiff <= limit }}
}

// atMostOf asks for no more than a share, or a multiple, of client-go's.
func atMostOf(share float64, must string) *Target {
	return &Target{Must: must, needClientGo: true, met: func(skiff, clientGo float64) bool { return skiff <= share*clientGo }}
}

// atLeastTimes asks for a multiple of client-go's or more.
func atLeastTimes(n float64, must string) *Target {
	return &Target{Must: must, needClientGo: true, met: func(skiff, clientGo float64) bool { return skiff >= n*clientGo }}
}

// Verdict is the result of a target.
type Verdict string

// The verdicts.
const (
	Met    Verdict = "met"
	NotMet Verdict = "**not met**"
	Open   Verdict = "not measured"
)

// judge returns the verdict of what was measured.
func (t *Target) judge(skiff, clientGo float64, haveSkiff, haveClientGo bool) Verdict {
	switch {
	case !haveSkiff, t.needClientGo && !haveClientGo:
		return Open
	case t.met(skiff, clientGo):
		return Met
	}
	return NotMet
}
