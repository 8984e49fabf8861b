// Package guide follows docs/first-controller.md as a newcomer does: in an empty folder, outside of
// this repository, with its modules as they come from a module proxy. Its test writes the files that the
// guide shows and runs the commands that it names.
package guide
