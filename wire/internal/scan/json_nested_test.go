package scan

import (
	"bytes"
	"fmt"
	"io"
	"math/rand"
	"strings"
	"testing"
	"testing/iotest"
)

// memberwise reads any value as the grammar is written, one member after the other and a call for
// each level: what nested does in one loop is to be the same, with the same error at the same place.
func (s *JSON) memberwise() {
	switch c := s.Peek(); c {
	case '"':
		s.str()
	case '{':
		for more := s.Open('{', '}'); more; more = s.Next('}') {
			s.Key()
			s.memberwise()
		}
	case '[':
		for more := s.Open('[', ']'); more; more = s.Next(']') {
			s.memberwise()
		}
	default:
		s.scalar(c)
	}
}

// scanned says how far a scanner comes with a value, and what stops it.
func scanned(win Window, value func(*JSON)) string {
	s := NewJSON(win)
	value(&s)
	if s.Err != nil {
		return fmt.Sprintf("at %d: %v", s.Err.At, s.Err.Err)
	}
	return fmt.Sprintf("up to %d, %d open", s.i, s.depth)
}

// chunks reads pieces of random sizes, so that windows end anywhere.
type chunks struct {
	r   io.Reader
	rng *rand.Rand
	max int
}

func (c chunks) Read(p []byte) (int, error) {
	return c.r.Read(p[:min(len(p), 1+c.rng.Intn(c.max))])
}

func checkNested(t *testing.T, data []byte, seed int64) {
	t.Helper()
	// No byte but those of the input is to be looked at: around it stands what would be read on.
	poisoned := bytes.Repeat([]byte(`"]}`), len(data)+20)
	inside := poisoned[30 : 30+len(data) : 30+len(data)]
	copy(inside, data)
	want := scanned(Whole(inside), (*JSON).memberwise)
	if got := scanned(Whole(inside), (*JSON).Value); got != want {
		t.Errorf("%q\n got %s\nwant %s", data, got, want)
	}
	for _, r := range []io.Reader{
		iotest.OneByteReader(bytes.NewReader(data)),
		iotest.DataErrReader(bytes.NewReader(data)),
		chunks{bytes.NewReader(data), rand.New(rand.NewSource(seed)), 12},
	} {
		if got := scanned(NewWindow(r, 1<<20, errFull), (*JSON).Value); got != want {
			t.Errorf("%q in pieces\n got %s\nwant %s", data, got, want)
		}
	}
}

func TestNestedStopsWhereTheGrammarDoes(t *testing.T) {
	var texts []string
	for _, text := range jsonTexts {
		texts = append(texts, text, "["+text+"]", `{"k":`+text+"}", "[[{\"a\\\"b\":\t"+text+" } ], null]", text+text)
	}
	// Brackets that fit, and do not, around the depth at which nested calls itself.
	for _, depth := range []int{1, 2, 63, 64, 65, 66, 127, 128, 129, 130} {
		for _, opening := range []string{
			strings.Repeat("[", depth), strings.Repeat(`{"a":`, depth), strings.Repeat(`[{"a":`, depth/2) + strings.Repeat("[", depth%2),
		} {
			closing := closingOf(opening)
			for _, inner := range []string{"", "1", "[]", "{}", "}", "]", ","} {
				texts = append(texts, opening+inner+closing, opening+inner+closing[1:]+"x")
			}
			for at := range closing {
				wrong := []byte(closing)
				wrong[at] ^= ']' ^ '}'
				texts = append(texts, opening+"1"+string(wrong), opening+"1"+closing[:at]+","+closing[at:])
			}
		}
	}
	for _, text := range texts {
		checkNested(t, []byte(text), 1)
	}
}

// closingOf closes the brackets that a text opens.
func closingOf(opening string) string {
	var closing []byte
	for i := len(opening) - 1; i >= 0; i-- {
		switch opening[i] {
		case '{':
			closing = append(closing, '}')
		case '[':
			closing = append(closing, ']')
		}
	}
	return string(closing)
}

// Any input that was JSON before some of its bytes were changed.
func FuzzNested(f *testing.F) {
	for _, text := range jsonTexts {
		f.Add([]byte(`{"k":[`+text+`],"f:metadata":{"k:{\"name\":\"a\"}":{".":{}}}}`), int64(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, seed int64) {
		checkNested(t, data, seed)
		damaged := bytes.Clone(data)
		rng := rand.New(rand.NewSource(seed))
		for range 1 + rng.Intn(3) {
			if len(damaged) > 0 {
				damaged[rng.Intn(len(damaged))] = "{}[]\",:\\ \x00\n1-tu"[rng.Intn(15)]
			}
		}
		checkNested(t, damaged, seed)
	})
}
