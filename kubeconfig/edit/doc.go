// Package edit changes kubeconfig files, and shows them, as kubectl config does.
//
//	err := edit.Modify(ctx, "", func(c *edit.Config) error {
//		err := c.Set(edit.Cluster, "prod", map[string]any{"server": "https://prod.example:6443"})
//		if err != nil {
//			return err
//		}
//		return c.Use("prod")
//	})
//
// [View] returns what the files hold together: merged, flattened, minified, without secrets.
//
// # Which files
//
// If a path is given, that file is read and written, and no other. Otherwise the files are those of
// $KUBECONFIG, or ~/.kube/config. Entries are written by kubectl's rules (Kubernetes documentation,
// "Organizing Cluster Access Using kubeconfig Files", and client-go's tools/clientcmd):
//
//   - A change of an entry, and its removal, go to the first file that has it.
//   - A new entry, and current-context, go to the first file of $KUBECONFIG that exists, or to the
//     last one if none does.
//   - current-context is cleared in the first file that sets it.
//
// # What stays as it is
//
// Fields that skiff does not know, the order of fields and entries, files that do not change, the
// mode and, where the process may set it, the owner of a file, and symbolic links, whose target is
// replaced. Comments, anchors and quotation marks are lost, as with kubectl. A file that is not one
// YAML mapping, or has a key or an entry twice, is not changed: the error names it.
//
// A file is replaced by renaming a complete one, so a reader never sees half of it. A new file has
// the mode 0600, and a new folder 0700.
//
// # Locks
//
// For each file there is a lock, as kubectl makes it: FILE.lock, created exclusively in the same
// folder, and removed at the end. All files are locked in the order of their names, before any is
// read. Of a symbolic link, its target is locked too. If a lock is there already, Modify waits for it,
// at most [LockTimeout]. kubectl does not wait. A process that is killed leaves its locks behind. No
// time says that a lock is such a one, so nothing removes it: the error names the file to remove.
//
// # Secrets
//
// Errors name files, entries, fields and lines, and repeat no value of a file.
package edit
