package crd

import (
	"reflect"
	"strings"
	"testing"
)

// go vet finds such a tag, and reflect does not read it.
func TestATagThatIsNotValidGo(t *testing.T) {
	for tag, valid := range map[reflect.StructTag]bool{
		`json:"a" crd:"pattern=\d"`:  false,
		`json:"a" crd:"pattern=\\d"`: true,
		`json:"a" crd:"`:             false,
		`json:"a"`:                   true,
	} {
		_, err := tagOf(reflect.StructField{Tag: tag})
		if (err == nil) != valid || err != nil && !strings.Contains(err.Error(), "is not valid Go syntax") {
			t.Errorf("%s: %v", tag, err)
		}
	}
}

// Each word is there once: of two, one would count for nothing. Rules have as many as they like.
func TestAWordThatIsThereTwice(t *testing.T) {
	for text, valid := range map[string]bool{
		"listMapKey=name,listMapKey=port":       false,
		"min=1,max=2,min=3":                     false,
		"items:min=1,min=1":                     true,
		"rule='a',message='x',rule='b',reason=": true,
	} {
		_, err := parseWords(text)
		if (err == nil) != valid || err != nil && !strings.Contains(err.Error(), "it is there twice") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzWords(f *testing.F) {
	for _, seed := range []string{"", "a", "a=b,c", "a='x''y'|z,items:b", "'", "=,", "items:items:=|", "a='b'c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		words, err := parseWords(text)
		for _, w := range words {
			if err == nil && (w.name == "" || w.set != (len(w.values) > 0)) {
				t.Errorf("%q: %+v", text, w)
			}
		}
	})
}
