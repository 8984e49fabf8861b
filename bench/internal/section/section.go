// Package section is the main function of the programs that measure something and write a section of
// RESULTS.md.
package section

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/skiff-k8s/skiff/bench/internal/report"
)

// Bench is a measurement.
type Bench interface {
	// Run measures.
	Run(ctx context.Context) error
	// Section returns what was measured, as a section with its title. date is when Run began.
	Section(machine string, date time.Time) string
	// Missed returns the limits that were missed.
	Missed() []string
}

// Main is the main function of a program of the name of its section. Its flags are those that are
// defined, and --out. check is called when they have been read, and returns what is wrong with them.
// Without --out the section is printed. A limit that is missed is an error, when all has been written.
func Main(name string, b Bench, check func() error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, flag.CommandLine, os.Args[1:], os.Stdout, name, b, check); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// Folder returns the folder of this program, where make builds those that it runs.
func Folder() string {
	program, err := os.Executable()
	if err != nil {
		return "." // the flag's user says where
	}
	return filepath.Dir(program)
}

func run(ctx context.Context, flags *flag.FlagSet, args []string, stdout io.Writer, name string, b Bench,
	check func() error) error {
	out := flags.String("out", "", "the `file` whose section is written, such as bench/RESULTS.md (default: print it)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if err := check(); err != nil {
		return err
	}
	begin := time.Now()
	if err := b.Run(ctx); err != nil {
		return err
	}
	text := b.Section(report.Machine(), begin)
	if *out == "" {
		fmt.Fprint(stdout, text)
	} else if err := report.WriteSection(*out, name, text); err != nil {
		return err
	}
	if missed := b.Missed(); len(missed) > 0 {
		return fmt.Errorf("limits are missed:\n%s", strings.Join(missed, "\n"))
	}
	return nil
}
