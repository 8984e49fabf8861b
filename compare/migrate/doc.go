// Package migrate holds docs/migrating.md to what it says: its programs are those of the packages
// below this one, each for client-go and for skiff, and its tables name what both libraries export.
package migrate
