// Package datadir owns the folders of clusters: where one keeps its data, keys and logs, who holds
// it, and which ones run.
//
// Every running cluster has a run folder under the user's own folder of the system's temporary
// one. A cluster without --data keeps everything there and takes it along at its end; a cluster
// with --data keeps only its socket and its record there. A run folder is locked by its cluster, so
// that whoever finds one unlocked knows that its cluster was killed, and removes it.
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

// marker is in every folder that devcluster may write its secrets to: its presence in a --data
// folder says that the folder is a cluster's and not somebody's home.
const marker = "devcluster.json"

// socketLimit is the longest path a Unix socket can have on the systems devcluster runs on (macOS:
// 104 bytes with the final NUL, Linux 108).
const socketLimit = 103

// Options say which folder to open.
type Options struct {
	Data string // the folder to keep; "" for a temporary one
	Base string // the parent of the run folders; "" for Base()
	Find bool   // whether `devcluster kubeconfig` may find the cluster without being told its folder
}

// Folder is an open, locked cluster folder.
type Folder struct {
	base, run, data string
	kept            bool
	runLock         *os.File
	dataLock        *os.File // runLock where nothing is kept
	record          record
}

// record is what a run folder and a kept folder say about their cluster.
type record struct {
	PID        int    `json:"pid,omitempty"` // of devcluster itself
	Data       string `json:"data"`
	Kubeconfig string `json:"kubeconfig"`
	Find       bool   `json:"find,omitempty"`
	Failed     bool   `json:"failed,omitempty"` // only logs are left, for a reader
	Port       uint16 `json:"port,omitempty"`   // of the API server, wanted again at the next start
}

// Open makes or finds the folder and locks it. A kept folder must be empty, new, or a cluster's
// own; one that another devcluster holds is an error that names that one's process id.
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

// Data is the folder that holds everything but the socket.
func (f *Folder) Data() string { return f.data }

// Kept says whether Data outlives the cluster.
func (f *Folder) Kept() bool { return f.kept }

// Kubeconfig is where the administrator's kubeconfig goes.
func (f *Folder) Kubeconfig() string { return filepath.Join(f.data, "kubeconfig") }

// PKI is the folder of keys and certificates.
func (f *Folder) PKI() string { return filepath.Join(f.data, "pki") }

// Etcd is etcd's data folder.
func (f *Folder) Etcd() string { return filepath.Join(f.data, "etcd") }

// Logs is the folder of the components' logs.
func (f *Folder) Logs() string { return filepath.Join(f.data, "logs") }

// Socket is the path of the named Unix socket. It is in the run folder, whose path is short.
func (f *Folder) Socket(name string) string { return filepath.Join(f.run, name) }

// Lock is what a component inherits, so that Data stays locked until the last of them is gone.
func (f *Folder) Lock() *os.File { return f.dataLock }

// Port is the port that the cluster had when the folder was last used, 0 for none.
func (f *Folder) Port() uint16 { return f.record.Port }

// SetPort remembers the port for the next start.
func (f *Folder) SetPort(port uint16) error {
	f.record.Port = port
	return f.save()
}

// Close lets go of the folder and removes what is not to be kept. Every component must have ended.
// After a failure a temporary cluster's logs stay, because the error that the user is about to
// read names them; the next day's first start removes them.
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

// makeRun makes the run folder, locked before anybody can see it under its name.
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

// openKept takes the --data folder.
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

// sweep removes the run folders of clusters that were killed, and old logs of those that failed.
// What cannot be removed now is left to the next start.
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
