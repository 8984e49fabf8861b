// Package seed saves a new cluster the time in which Kubernetes writes its first objects: the API
// server begins with them a second after it serves, and needs half a second or, when etcd syncs each
// write to disk, two.
//
// A seed contains those objects as etcd stores them. The build takes it from a new cluster without
// a controller manager and appends it to the binary, so that a binary and its seed cannot be
// separated or mistaken. A start with new data writes it to etcd before the API server begins:
//
//	s, err := seed.Of("/proc/self/exe", versions) // nil, nil: this binary has none
//	err = s.Plant(ctx, "unix:///…/etcd.sock")
//
// Only the types of kinds are taken. None of them holds a secret, an address or a certificate.
package seed

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"
)

// Versions are of the programs that wrote the objects. Others do not begin with them.
type Versions struct {
	Kubernetes string `json:"kubernetes"`
	Etcd       string `json:"etcd"`
}

// Seed is what a new cluster begins with.
type Seed struct {
	Versions Versions `json:"versions"`
	Objects  []object `json:"objects"` // in the order in which they were created
}

// object is a key of etcd and its value.
type object struct {
	Key   string  `json:"key"`
	Value []byte  `json:"value"`
	UID   string  `json:"uid"`   // the UID in the value
	Times []int64 `json:"times"` // the different times in the value, in seconds
}

// mark is the end of a file with a seed. Before it is the length of the seed in 8 bytes, and before
// that the seed: JSON in gzip, whose checksum finds damage.
const mark = "\x00skiff devcluster seed 1\n"

// limit is more than a seed ever has, and less than the memory of a small machine.
const limit = 64 << 20

// AppendTo appends the seed to the file.
func (s *Seed) AppendTo(path string) (err error) {
	var data bytes.Buffer
	packed, _ := gzip.NewWriterLevel(&data, gzip.BestCompression)
	if err := errors.Join(json.NewEncoder(packed).Encode(s), packed.Close()); err != nil {
		return fmt.Errorf("pack the seed: %w", err)
	}
	length := uint64(data.Len())
	binary.Write(&data, binary.BigEndian, length)
	data.WriteString(mark)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("write the seed: %w", err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = fmt.Errorf("write the seed: %w", err)
		}
	}()
	_, err = f.Write(data.Bytes())
	return err
}

// Of returns the seed at the end of the file, or nil if there is none. It returns an error if the
// seed is damaged or of other versions.
func Of(path string, v Versions) (*Seed, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the seed: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the seed: %w", err)
	}
	trailer := make([]byte, 8+len(mark))
	end := info.Size() - int64(len(trailer))
	if end < 0 {
		return nil, nil
	}
	if _, err := f.ReadAt(trailer, end); err != nil {
		return nil, fmt.Errorf("read the seed: %w", err)
	}
	if string(trailer[8:]) != mark {
		return nil, nil
	}
	length := binary.BigEndian.Uint64(trailer)
	if length > uint64(min(end, limit)) {
		return nil, fmt.Errorf("read the seed: it is damaged: %d bytes are no length of a seed", length)
	}
	s, err := decode(io.NewSectionReader(f, end-int64(length), int64(length)))
	if err != nil {
		return nil, fmt.Errorf("read the seed: it is damaged: %w", err)
	}
	if s.Versions != v {
		return nil, fmt.Errorf("read the seed: it is of Kubernetes %s and etcd %s, this binary of %s and %s",
			s.Versions.Kubernetes, s.Versions.Etcd, v.Kubernetes, v.Etcd)
	}
	return s, nil
}

func decode(r io.Reader) (*Seed, error) {
	packed, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	// To the end, where the checksum is.
	data, err := io.ReadAll(io.LimitReader(packed, limit))
	if err != nil {
		return nil, err
	}
	s := &Seed{}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, err
	}
	if len(s.Objects) == 0 {
		return nil, errors.New("it has no objects")
	}
	return s, nil
}

// renewed returns the object's value for another cluster: with the given UID, and with all times now.
// Both are as long as they were, so that the lengths in the value stay right.
func (o object) renewed(uid string, now time.Time) []byte {
	value := bytes.ReplaceAll(o.Value, []byte(o.UID), []byte(uid))
	for _, second := range o.Times {
		value = bytes.ReplaceAll(value, stored(second), stored(now.Unix()))
		value = bytes.ReplaceAll(value, text(second), text(now.Unix()))
	}
	return value
}

// find returns the object of a key and a value that was written in the given span.
func find(key string, value []byte, from, to time.Time) (object, error) {
	o := object{Key: key, Value: value}
	found := uidPattern.FindAll(value, -1)
	if len(found) != 1 {
		return o, fmt.Errorf("%s has %d UIDs, want 1", key, len(found))
	}
	o.UID = string(found[0])
	for second := from.Unix(); second <= to.Unix(); second++ {
		if bytes.Contains(value, stored(second)) || bytes.Contains(value, text(second)) {
			o.Times = append(o.Times, second)
		}
	}
	if len(o.Times) == 0 {
		return o, fmt.Errorf("%s has no time of its creation", key)
	}
	return o, nil
}

var uidPattern = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// stored is a metav1.Time in Kubernetes' protobuf: seconds (field 1) and no nanoseconds (field 2).
func stored(second int64) []byte {
	return append(binary.AppendUvarint([]byte{8}, uint64(second)), 16, 0)
}

// text is a metav1.Time in JSON, as the aggregator stores it.
func text(second int64) []byte {
	return []byte(time.Unix(second, 0).UTC().Format(time.RFC3339))
}
