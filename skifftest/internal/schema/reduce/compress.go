package reduce

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
)

// Compress returns the file as it is embedded. The same file gives the same bytes.
func (f *File) Compress() ([]byte, error) {
	data, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Decompress returns the file in data.
func Decompress(data []byte) (*File, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	f := &File{}
	return f, json.Unmarshal(plain, f)
}
