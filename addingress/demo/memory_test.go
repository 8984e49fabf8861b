package main

import "testing"

func TestMemoryOfAProcess(t *testing.T) {
	for _, tt := range []struct {
		status    string
		now, peak int64
		ok        bool
	}{
		{"Name:\taddingress\nVmPeak:\t 1273032 kB\nVmHWM:\t   20000 kB\nVmRSS:\t   10000 kB\n", 10_240_000, 20_480_000, true},
		{"Name:\tkthreadd\n", 0, 0, false},
		{"VmHWM:\t many kB\nVmRSS:\t 1 kB\n", 0, 0, false},
		{"", 0, 0, false},
	} {
		now, peak, ok := parseMemory(tt.status)
		if ok != tt.ok || ok && (now != tt.now || peak != tt.peak) {
			t.Errorf("%q: got %d, %d, %v; want %d, %d, %v", tt.status, now, peak, ok, tt.now, tt.peak, tt.ok)
		}
	}
	if _, _, ok := memory(-1); ok {
		t.Error("a process that does not exist has memory")
	}
	if s := megabytes(10_240_000); s != "10.2 MB" {
		t.Errorf("got %s, want 10.2 MB", s)
	}
}
