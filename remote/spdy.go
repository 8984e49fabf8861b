package remote

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// Port-forward speaks SPDY/3.1 inside the WebSocket connection (KEP-4006). A tunnel here carries one
// forwarded connection, on two streams that the client opens. That takes four frames to write and
// five to read, and no compression: a header block may be a deflate block that is stored (RFC 1951
// section 3.2.4), and the headers of the server's replies hold nothing. A library such as
// github.com/moby/spdystream is a module more, and its compressor takes 0.8 MB a connection.
//
// Source: SPDY Protocol Draft 3.1, https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/.

// The types of control frames.
const (
	spdySynStream = 1
	spdySynReply  = 2
	spdyRstStream = 3
	spdyPing      = 6
	spdyGoAway    = 7
)

const (
	// spdyControl begins a control frame: the control bit and the version 3.
	spdyControl = 0x8003
	// spdyFin is the flag of the last frame of a stream in its direction.
	spdyFin = 1
	// spdyHead is the length of a frame's head.
	spdyHead = 8
	// maxControl limits a control frame that is read. Those of a kubelet have less than 100 bytes.
	maxControl = 64 << 10
)

// spdyDictionary announces the dictionary that SPDY's header blocks are compressed with: the zlib
// header (RFC 1950 section 2.2) with its preset-dictionary flag, and the dictionary's checksum.
var spdyDictionary = []byte{0x78, 0x20, 0xe3, 0xc6, 0xa7, 0xc2}

// spdyWriter appends frames. It is for one connection, whose header blocks are one zlib stream.
type spdyWriter struct{ begun bool }

// synStream appends the frame that opens a stream. headers are pairs of a name in lower case and a
// value.
func (w *spdyWriter) synStream(b []byte, id uint32, flags byte, headers ...string) []byte {
	var block []byte
	block = binary.BigEndian.AppendUint32(block, uint32(len(headers)/2))
	for _, s := range headers {
		block = binary.BigEndian.AppendUint32(block, uint32(len(s)))
		block = append(block, s...)
	}
	var body []byte
	body = binary.BigEndian.AppendUint32(body, id)
	body = append(body, 0, 0, 0, 0, 0, 0) // no associated stream, the highest priority, no slot
	if !w.begun {
		body = append(body, spdyDictionary...)
		w.begun = true
	}
	body = append(body, 0) // a stored block, not the last
	body = binary.LittleEndian.AppendUint16(body, uint16(len(block)))
	body = binary.LittleEndian.AppendUint16(body, ^uint16(len(block)))
	body = append(body, block...)
	body = append(body, 0, 0, 0, 0xff, 0xff) // an empty block, by which decompressors flush
	return appendControl(b, spdySynStream, flags, body)
}

func appendControl(b []byte, kind uint16, flags byte, body []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, spdyControl)
	b = binary.BigEndian.AppendUint16(b, kind)
	b = binary.BigEndian.AppendUint32(b, uint32(flags)<<24|uint32(len(body)))
	return append(b, body...)
}

// appendData appends a frame of data.
func appendData(b []byte, id uint32, flags byte, data []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, id)
	b = binary.BigEndian.AppendUint32(b, uint32(flags)<<24|uint32(len(data)))
	return append(b, data...)
}

// spdyFrame is the head of a frame that is read, and of a control frame the body.
type spdyFrame struct {
	control bool
	kind    uint16
	id      uint32 // the stream; of a ping, its number
	fin     bool
	length  int64 // of the data, which is read next
}

// readSPDY reads the next frame; of a data frame its head. The contents of control frames that are
// not used are skipped.
func readSPDY(r *bufio.Reader) (spdyFrame, error) {
	var head [spdyHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return spdyFrame{}, err
	}
	first, second := binary.BigEndian.Uint32(head[:]), binary.BigEndian.Uint32(head[4:])
	f := spdyFrame{fin: second>>24&spdyFin != 0, length: int64(second & 0xffffff)}
	if first>>31 == 0 {
		f.id = first
		return f, nil
	}
	if version := first >> 16; version != spdyControl {
		return f, fmt.Errorf("a frame of version %d of SPDY, not 3", version&0x7fff)
	}
	if f.length > maxControl {
		return f, fmt.Errorf("a control frame of %d bytes; the limit is %d", f.length, maxControl)
	}
	f.control, f.kind = true, uint16(first)
	switch f.kind {
	case spdySynReply, spdyRstStream, spdyPing:
		var id [4]byte
		if f.length < int64(len(id)) {
			return f, fmt.Errorf("a control frame %d of %d bytes", f.kind, f.length)
		}
		if _, err := io.ReadFull(r, id[:]); err != nil {
			return f, err
		}
		f.id = binary.BigEndian.Uint32(id[:])
		f.length -= int64(len(id))
	}
	_, err := r.Discard(int(f.length))
	return f, err
}
