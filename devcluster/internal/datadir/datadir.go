// Package datadir manages the folders of clusters: it creates, locks, finds and removes them.
//
// Every running cluster has a run folder, below the user's folder in the system's temporary folder.
// A cluster without --data has all its data, keys and logs there, and removes them at its end. A
// cluster with --data has only its socket and its record there. A cluster locks its run folder. If
// a run folder is not locked, its cluster was killed, and the next start removes the folder.
//
//	f, err := datadir.Open(datadir.Options{Data: "./kept"})
//	defer f.Close(false)
//	… f.Kubeconfig(), f.Etcd(), f.Lock() …
package datadir

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// marker is a file in every folder that devcluster may write its secrets to. A --data folder
// without it is not a cluster's, but may be a user's home.
const marker = "devcluster.json"

// socketLimit is the longest path a Unix socket can have on the systems devcluster runs on (macOS:
// 104 bytes with the final NUL, Linux 108).
const socketLimit = 103

// Options configures Open.
type Options struct {
	Data string // the folder to keep; "" for a temporary one
	Base string // the parent of the run folders; "" for Base()
	Find bool   // whether `devcluster kubeconfig` without --data finds the cluster
}

// Folder is an open, locked cluster folder.
type Folder struct {
	base, run, data string
	kept            bool
	runLock         *os.File
	dataLock        *os.File // runLock if nothing is kept
	record          record
}

// record is the content of the marker: it describes the cluster of a run folder or a kept folder.
type record struct {
	PID        int    `json:"pid,omitempty"` // of devcluster itself
	Data       string `json:"data"`
	Kubeconfig string `json:"kubeconfig"`
	Find       bool   `json:"find,omitempty"`
	Failed     bool   `json:"failed,omitempty"` // only logs are left, for a reader
	Port       uint16 `json:"port,omitempty"`   // of the API server, wanted again at the next start
}

// Open creates or opens the folder and locks it. A kept folder must be empty, new, or a cluster's
// own. If another devcluster has locked it, the error contains that process's id.
func Open(o Options) (*Folder, error) {
	base, err := openBase(o.Base)
	if err != nil {
		return nil, err
	}
	sweep(base)
	f := &Folder{base: base}
	if err := f.makeRun(); err != nil {
		return nil, err
	}
	f.data, f.dataLock = f.run, f.runLock
	if o.Data != "" {
		if err := f.openKept(o.Data); err != nil {
			f.Close(false)
			return nil, err
		}
	}
	f.record = record{PID: os.Getpid(), Data: f.data, Kubeconfig: f.Kubeconfig(), Find: o.Find, Port: f.record.Port}
	for _, dir := range []string{f.data, f.PKI(), f.Logs()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			f.Close(false)
			return nil, fmt.Errorf("make the cluster's folder: %w", err)
		}
	}
	if err := f.save(); err != nil {
		f.Close(false)
		return nil, err
	}
	return f, nil
}

// Data returns the folder that contains everything except the socket.
func (f *Folder) Data() string { return f.data }

// Kept reports whether Data outlives the cluster.
func (f *Folder) Kept() bool { return f.kept }

// Kubeconfig returns the path of the administrator's kubeconfig.
func (f *Folder) Kubeconfig() string { return filepath.Join(f.data, "kubeconfig") }

// PKI returns the folder of keys and certificates.
func (f *Folder) PKI() string { return filepath.Join(f.data, "pki") }

// Etcd returns etcd's data folder.
func (f *Folder) Etcd() string { return filepath.Join(f.data, "etcd") }

// Logs returns the folder of the components' logs.
func (f *Folder) Logs() string { return filepath.Join(f.data, "logs") }

// Socket returns the path of the named Unix socket. It is in the run folder, because that has a
// short path.
func (f *Folder) Socket(name string) string { return filepath.Join(f.run, name) }

// Lock returns the file that a component inherits, so that Data stays locked until the last
// component has ended.
func (f *Folder) Lock() *os.File { return f.dataLock }

// Port returns the port that the cluster had when the folder was last used; 0 means none.
func (f *Folder) Port() uint16 { return f.record.Port }

// SetPort stores the port for the next start.
func (f *Folder) SetPort(port uint16) error {
	f.record.Port = port
	return f.save()
}

// Close unlocks the folder, and removes it unless it is kept. Every component must have ended.
// After a failure, the logs of a temporary cluster stay, because the error contains their paths. A
// start removes them after a day.
func (f *Folder) Close(failed bool) error {
	var err error
	switch {
	case failed && !f.kept:
		f.record.Failed = true
		err = errors.Join(
			os.RemoveAll(f.Etcd()), os.RemoveAll(f.PKI()), os.RemoveAll(f.Kubeconfig()), f.save())
	default:
		err = os.RemoveAll(f.run)
	}
	if f.kept {
		err = errors.Join(err, f.dataLock.Close())
	}
	if err := errors.Join(err, f.runLock.Close()); err != nil {
		return fmt.Errorf("clean up after the cluster: %w", err)
	}
	return nil
}

// makeRun makes the run folder, and locks it before it is visible under its name.
func (f *Folder) makeRun() error {
	name := rand.Text()[:10]
	hidden := filepath.Join(f.base, "."+name)
	if err := os.Mkdir(hidden, 0o700); err != nil {
		return fmt.Errorf("make the cluster's run folder: %w", err)
	}
	lock, err := tryLock(filepath.Join(hidden, "lock"), true)
	if err == nil {
		f.run, f.runLock = filepath.Join(f.base, name), lock
		err = os.Rename(hidden, f.run)
	}
	if err != nil {
		os.RemoveAll(hidden)
		return fmt.Errorf("make the cluster's run folder: %w", err)
	}
	if path := f.Socket("etcd.sock"); len(path) > socketLimit {
		f.Close(false)
		return fmt.Errorf("%s is too long a path for a socket (%d bytes, %d at most): set TMPDIR to a shorter folder", path, len(path), socketLimit)
	}
	return nil
}

// openKept opens the --data folder.
func (f *Folder) openKept(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("find the data folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	saved, err := readRecord(dir)
	if errors.Is(err, os.ErrNotExist) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return fmt.Errorf("look into the data folder: %w", err)
		}
		for _, e := range entries {
			if e.Name() != "lock" {
				return fmt.Errorf("the data folder %s is not a cluster's: it has no %s, but has %s; name a new or an empty folder", dir, marker, e.Name())
			}
		}
	} else if err != nil {
		return err
	}
	lock, err := waitLock(filepath.Join(dir, "lock"))
	if err != nil {
		if errors.Is(err, errLocked) {
			return fmt.Errorf("the data folder %s is in use by the devcluster with process id %d: end that one, or name another folder", dir, saved.PID)
		}
		return fmt.Errorf("lock the data folder: %w", err)
	}
	f.data, f.kept, f.dataLock = dir, true, lock
	f.record.Port = saved.Port
	// So that `devcluster kubeconfig` finds the last kept cluster even when none runs.
	return os.WriteFile(filepath.Join(f.base, lastKept), []byte(dir), 0o600)
}

func (f *Folder) save() error {
	err := writeRecord(f.run, f.record)
	if f.kept {
		err = errors.Join(err, writeRecord(f.data, f.record))
	}
	return err
}

func readRecord(dir string) (record, error) {
	var r record
	path := filepath.Join(dir, marker)
	data, err := os.ReadFile(path)
	if err != nil {
		return r, fmt.Errorf("read the cluster's record: %w", err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("read the cluster's record %s: %w", path, err)
	}
	return r, nil
}

func writeRecord(dir string, r record) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	// In one step: `devcluster kubeconfig` reads it at any time.
	next := filepath.Join(dir, "."+marker)
	if err := os.WriteFile(next, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the cluster's record: %w", err)
	}
	return os.Rename(next, filepath.Join(dir, marker))
}

// failedLife is how long the logs of a cluster that failed stay.
const failedLife = 24 * time.Hour

// sweep removes the run folders of clusters that were killed, and old logs of clusters that failed.
// The next start retries what could not be removed.
func sweep(base string) {
	entries, err := os.ReadDir(base)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		dir := filepath.Join(base, e.Name())
		info, err := e.Info()
		if err != nil {
			continue
		}
		age := time.Since(info.ModTime())
		if strings.HasPrefix(e.Name(), ".") {
			if age > time.Hour { // else it may be about to get its name
				os.RemoveAll(dir)
			}
			continue
		}
		lock, err := tryLock(filepath.Join(dir, "lock"), false)
		if err != nil {
			continue
		}
		if r, err := readRecord(dir); err != nil || !r.Failed || age > failedLife {
			os.RemoveAll(dir)
		}
		lock.Close()
	}
}
