package operator

import (
	"encoding"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"
	"unicode"
)

// Flags defines a flag for each field of a struct that has a tag help, and sets the fields whose
// environment variables are set. into is a pointer to the struct; its values are the defaults. A
// flag takes precedence over the environment. Call it before fs.Parse.
//
// The flag of the field HealthAddress is --health-address, and its variable is prefix followed by
// HEALTH_ADDRESS: with "WEB_", WEB_HEALTH_ADDRESS. An empty variable counts as not set. With the
// prefix "" no variable is read.
//
// A field is a string, bool, int, float64, time.Duration, a type whose pointer is a flag.Value, or
// one whose pointer is an encoding.TextUnmarshaler and that is an encoding.TextMarshaler, such as
// slog.Level. The fields of a field that is another struct, without a tag, are taken as well.
//
// The error is that of a variable, or of a field of another type. It names the variable and not its
// value.
func Flags(fs *flag.FlagSet, prefix string, into any) error {
	return flagsOf(fs, prefix, os.Getenv, into)
}

func flagsOf(fs *flag.FlagSet, prefix string, getenv func(string) string, into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("define flags: %T is not a pointer to a struct", into)
	}
	return eachField(v.Elem(), func(field reflect.StructField, value reflect.Value) error {
		name := words(field.Name, '-')
		if fs.Lookup(name) != nil {
			return fmt.Errorf("define flag --%s of field %s: there is one already", name, field.Name)
		}
		help := field.Tag.Get("help")
		variable := ""
		if prefix != "" {
			variable = prefix + strings.ToUpper(words(field.Name, '_'))
			help += " ($" + variable + ")"
		}
		if !define(fs, name, help, value.Addr().Interface()) {
			return fmt.Errorf("define flag --%s: field %s is of type %s, which no flag can have",
				name, field.Name, field.Type)
		}
		if variable == "" || getenv(variable) == "" {
			return nil
		}
		if err := fs.Lookup(name).Value.Set(getenv(variable)); err != nil {
			return fmt.Errorf("read environment variable %s: its value is not valid for --%s", variable, name)
		}
		return nil
	})
}

// eachField calls f for the fields with a tag help, also those of structs within.
func eachField(v reflect.Value, f func(reflect.StructField, reflect.Value) error) error {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		_, tagged := field.Tag.Lookup("help")
		var err error
		switch {
		case !field.IsExported():
		case tagged:
			err = f(field, v.Field(i))
		case field.Type.Kind() == reflect.Struct:
			err = eachField(v.Field(i), f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// define defines a flag whose value is at p, and reports whether a flag can be of p's type.
func define(fs *flag.FlagSet, name, help string, p any) bool {
	switch p := p.(type) {
	case *string:
		fs.StringVar(p, name, *p, help)
	case *bool:
		fs.BoolVar(p, name, *p, help)
	case *int:
		fs.IntVar(p, name, *p, help)
	case *float64:
		fs.Float64Var(p, name, *p, help)
	case *time.Duration:
		fs.DurationVar(p, name, *p, help)
	case flag.Value:
		fs.Var(p, name, help)
	case encoding.TextUnmarshaler:
		m, ok := p.(encoding.TextMarshaler)
		if !ok {
			return false
		}
		fs.TextVar(p, name, m, help)
	default:
		return false
	}
	return true
}

// words returns the words of a Go name in lower case, joined by a character: HealthAddress is
// health-address, and TLSKey tls-key.
func words(name string, join rune) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		lowerBefore := i > 0 && !unicode.IsUpper(runes[i-1])
		lowerBehind := i+1 < len(runes) && unicode.IsLower(runes[i+1])
		if unicode.IsUpper(r) && i > 0 && (lowerBefore || lowerBehind) {
			b.WriteRune(join)
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Parse defines the flags of the structs in flag.CommandLine (see Flags), parses the program's
// arguments, and sets the logger up: settings.LogLevel and LogFormat, on standard error, for
// log/slog and klog. It ends the program with status 2 if an argument or variable is not valid, and
// with 0 for --help. more are the program's own structs.
func Parse(prefix string, settings *Settings, more ...any) {
	fs := flag.CommandLine
	for _, into := range append([]any{settings}, more...) {
		if err := Flags(fs, prefix, into); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	flag.Parse()
	if fs.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "unexpected arguments: %s\n", strings.Join(fs.Args(), " "))
		os.Exit(2)
	}
	if err := settings.Check(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	SetLogger(NewLogger(os.Stderr, settings.LogLevel, settings.LogFormat))
}
