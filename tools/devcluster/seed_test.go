package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestASeedIsAppendedAndAProgramWithoutOneStands(t *testing.T) {
	const good, bad = "#!/bin/sh\nprintf '#seed\\n' >\"$2\"\n", "#!/bin/sh\necho no loopback >&2\nexit 1\n"
	aborted, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name, program, want, says string
		ctx                       context.Context
		err                       error
	}{
		{"good", good, good + "#seed\n", "", t.Context(), nil},
		{"bad", bad, bad, "each start will take a second longer: take the objects of a new cluster: exit status 1\nno loopback", t.Context(), nil},
		{"aborted", good, good, "", aborted, context.Canceled},
	} {
		path := filepath.Join(t.TempDir(), "devcluster")
		if err := os.WriteFile(path, []byte(c.program), 0o700); err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		seeded, err := addSeed(c.ctx, path, &said)
		if !errors.Is(err, c.err) || seeded != (c.name == "good") {
			t.Errorf("%s: seeded %t, error %v, want %v", c.name, seeded, err, c.err)
		}
		if data, _ := os.ReadFile(path); string(data) != c.want {
			t.Errorf("%s: the program is %q", c.name, data)
		}
		if !strings.Contains(said.String(), c.says) || c.says == "" && said.Len() > 0 {
			t.Errorf("%s: it says %q, want %q", c.name, said.String(), c.says)
		}
		if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
			t.Errorf("%s: left behind: %v", c.name, left)
		}
	}
}
