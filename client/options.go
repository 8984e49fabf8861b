package client

import (
	"github.com/skiff-k8s/skiff/internal/verbs"
	"github.com/skiff-k8s/skiff/kind"
)

// An Option changes how a Client works. None is needed.
type Option interface{ option(*options) }

type options struct {
	kind              *kind.Info
	keepManagedFields bool
	defaults          verbs.Defaults
}

type optionFunc func(*options)

func (f optionFunc) option(o *options) { f(o) }

// WithKind sets the kind of T for this client. It takes precedence over kind.Of, and replaces
// kind.Register where the kind is known at run time only.
func WithKind(k kind.Info) Option { return optionFunc(func(o *options) { o.kind = &k }) }

// KeepManagedFields makes List, All, Watch, Follow and WaitFor return metadata.managedFields. By
// default they leave it out.
func KeepManagedFields() Option {
	return optionFunc(func(o *options) { o.keepManagedFields = true })
}

// A WriteOption is an option of writes. As an option of Of it is the default of all writes of the
// client. The options of a call override it:
//   - those of Modify, ModifyStatus, CreateOrModify, Finalizer and AdoptFields are of this type;
//   - fields of metav1.CreateOptions and so on that are set take precedence. A DryRun that is empty
//     and not nil, []string{}, means that the write is carried out.
type WriteOption struct{ set func(*verbs.Defaults) }

func (w WriteOption) option(o *options) {
	if w.set != nil {
		w.set(&o.defaults)
	}
}

// with returns the target of a call that has options.
func with(r verbs.Resource, opts []WriteOption) verbs.Resource {
	for _, option := range opts {
		if option.set != nil {
			option.set(&r.Defaults)
		}
	}
	return r
}

// Strict makes the server refuse objects with fields that are unknown or there twice.
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#setting-the-field-validation-level)
func Strict() WriteOption { return validation("Strict") }

// Warn makes the server drop fields that are unknown or there twice, and send a warning for each.
// Servers do so by default; see rest.Config.Warnings.
func Warn() WriteOption { return validation("Warn") }

// Ignore makes the server drop fields that are unknown or there twice, without a warning.
func Ignore() WriteOption { return validation("Ignore") }

func validation(level string) WriteOption {
	return WriteOption{func(d *verbs.Defaults) { d.Validation = level }}
}

// Manager sets the field manager: a constant name of the program, by which the server records which
// fields it owns. The name has at most 128 bytes and printable characters only; a write with
// another one is a [kind.MisuseError]. Without a field manager the server uses the beginning of the
// User-Agent, and Apply is a MisuseError.
func Manager(name string) WriteOption {
	return WriteOption{func(d *verbs.Defaults) { d.Manager = name }}
}

// DryRun makes the server check writes, and answer as if they had been carried out, without storing
// anything.
func DryRun() WriteOption { return WriteOption{func(d *verbs.Defaults) { d.DryRun = true }} }

// NoDryRun makes the server carry writes out. It overrides [DryRun].
func NoDryRun() WriteOption { return WriteOption{func(d *verbs.Defaults) { d.DryRun = false }} }
