// measure runs a program and prints what it took, in a line of JSON.
//
//	measure OUTPUT PROGRAM [ARG ...]
//
// It links little, because the kernel counts the memory of the process that starts a program as
// memory of that program (getrusage, ru_maxrss).
package main

import (
	"os"
	"strconv"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) < 3 {
		fail("usage: measure OUTPUT PROGRAM [ARG ...]")
	}
	output, err := os.OpenFile(os.Args[1], os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		fail(err.Error())
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		fail(err.Error())
	}
	begin := time.Now()
	process, err := os.StartProcess(os.Args[2], os.Args[2:], &os.ProcAttr{
		Files: []*os.File{null, output, os.Stderr},
	})
	if err != nil {
		fail(err.Error())
	}
	state, err := process.Wait()
	wall := time.Since(begin)
	if err != nil {
		fail(err.Error())
	}
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		fail("the system tells no resource usage")
	}
	cpu := state.UserTime() + state.SystemTime()
	integer := func(n int64) string { return strconv.FormatInt(n, 10) }
	os.Stdout.WriteString(`{"code":` + integer(int64(state.ExitCode())) + `,"wall":` + integer(int64(wall)) +
		`,"cpu":` + integer(int64(cpu)) + `,"peakRSS":` + integer(int64(usage.Maxrss)*1024) + "}\n")
}

func fail(text string) {
	os.Stderr.WriteString("measure: " + text + "\n")
	os.Exit(1)
}
