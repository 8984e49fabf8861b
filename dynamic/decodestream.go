package dynamic

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// stream cuts a stream into documents, and reads their content.
type stream struct {
	in  *bufio.Reader
	max int // bytes of a document; negative means no bound

	line    int    // the number of the line that was read last
	inside  bool   // what comes next belongs to that line
	pushed  []byte // is to be read again
	atStart bool   // of pushed: it begins a line

	text      []byte // of the document under way
	began     int    // the line that text begins in
	afterJSON bool   // this document began with a JSON object

	read []any // content of documents that is to be returned
}

func newStream(r io.Reader, max int) *stream {
	return &stream{in: bufio.NewReaderSize(r, 64<<10), max: max}
}

// next returns the content of the next document that has any, and the line in which it begins. If
// there is no more, the error is io.EOF. With another error the line is that of the error.
func (s *stream) next() (content any, line int, err error) {
	for {
		for len(s.read) > 0 {
			content, s.read = s.read[0], s.read[1:]
			if content != nil { // null is a document without content
				return content, s.began, nil
			}
		}
		s.text = s.text[:0]
		err := s.begin()
		if err == nil {
			err = s.content()
		}
		var at *lineError
		switch {
		case errors.As(err, &at):
			return nil, min(s.began+at.line-1, s.line), at.err // YAML knows more ends of lines
		case err != nil:
			return nil, max(s.line, 1), err
		}
	}
}

// content reads the document that text begins.
func (s *stream) content() error {
	if bytes.TrimLeft(s.text, " \t")[0] != '{' {
		if s.afterJSON {
			return errors.New(`text after a JSON object: a line "---" begins another document`)
		}
		if err := s.untilSeparator(); err != nil {
			return err
		}
		all, err := parseYAML(s.text)
		s.read = append(s.read, all...)
		return err
	}
	if err := s.untilBrace(); err != nil {
		return err
	}
	object, err := parseJSON(s.text)
	var syntax *syntaxError
	if err == nil || s.afterJSON || !errors.As(err, &syntax) {
		s.afterJSON = true
		s.read = append(s.read, object)
		return err
	}
	if err := s.untilSeparator(); err != nil { // a mapping of YAML in braces, perhaps
		return err
	}
	all, yamlErr := parseYAML(s.text)
	if yamlErr != nil {
		return err
	}
	s.read = append(s.read, all...)
	return nil
}

// lineError is an error at a line of a document, the first of which is 1.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }

func (e *lineError) Unwrap() error { return e.err }

var bom = []byte("\ufeff")

// begin reads to the first piece with content, with which text begins. It skips empty lines,
// comments, separators, and directives of YAML.
func (s *stream) begin() error {
	for skipping := false; ; {
		piece, first, err := s.piece()
		if err != nil {
			return err
		}
		if skipping = skipping && !first; skipping {
			continue // the rest of a long line
		}
		if s.line == 1 && first && (bytes.HasPrefix(piece, []byte{0xff, 0xfe}) ||
			bytes.HasPrefix(piece, []byte{0xfe, 0xff})) {
			return errors.New("the stream is UTF-16: convert it to UTF-8")
		}
		content := piece
		if first {
			content = bytes.TrimPrefix(piece, bom)
		}
		if first && isSeparator(content) {
			s.afterJSON = false
			if content[0] == '.' || isBlank(content[3:]) {
				skipping = true
				continue
			}
		} else if isBlank(content) || first && content[0] == '%' {
			skipping = true
			continue
		}
		s.text, s.began = append(s.text, content...), s.line
		return s.tooLong(len(s.text))
	}
}

// untilSeparator reads the rest of a YAML document into text.
func (s *stream) untilSeparator() error {
	for {
		piece, first, err := s.piece()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if first && isSeparator(bytes.TrimPrefix(piece, bom)) {
			s.push(piece, first)
			return nil
		}
		s.text = append(s.text, piece...)
		if err := s.tooLong(len(s.text)); err != nil {
			return err
		}
	}
}

// untilBrace reads a JSON object into text, to the brace that closes it. If the braces do not
// match, it reads the rest of the document.
func (s *stream) untilBrace() error {
	var depth, at int
	var inString, escaped bool
	for {
		for ; at < len(s.text); at++ {
			switch b := s.text[at]; {
			case escaped:
				escaped = false
			case inString:
				escaped, inString = b == '\\', b != '"'
			case b == '"':
				inString = true
			case b == '{':
				depth++
			case b == '}':
				if depth--; depth == 0 {
					s.push(bytes.Clone(s.text[at+1:]), false)
					s.text = s.text[:at+1]
					return s.tooLong(len(s.text))
				}
			}
		}
		if err := s.tooLong(len(s.text)); err != nil {
			return err
		}
		piece, first, err := s.piece()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if first && isSeparator(bytes.TrimPrefix(piece, bom)) {
			s.push(piece, first)
			return nil
		}
		s.text = append(s.text, piece...)
	}
}

func (s *stream) tooLong(size int) error {
	if s.max >= 0 && size > s.max {
		return fmt.Errorf("the document has more than %d bytes, the bound of MaxDocument", s.max)
	}
	return nil
}

// piece returns the next line with its end, or a part of it if the line is longer than the buffer.
// It is valid until the next call. first reports whether it begins the line.
func (s *stream) piece() (piece []byte, first bool, err error) {
	if len(s.pushed) > 0 {
		piece, s.pushed = s.pushed, nil
		return piece, s.atStart, nil
	}
	piece, err = s.in.ReadSlice('\n')
	if len(piece) == 0 && err != nil {
		return nil, false, err
	}
	first = !s.inside
	if first {
		s.line++
	}
	s.inside = piece[len(piece)-1] != '\n'
	if err == bufio.ErrBufferFull || err == io.EOF {
		err = nil
	}
	return piece, first, err
}

// push makes piece return a part of the current line again.
func (s *stream) push(piece []byte, first bool) { s.pushed, s.atStart = piece, first }

// isSeparator reports whether a line ends a YAML document.
func isSeparator(line []byte) bool {
	if !bytes.HasPrefix(line, []byte("---")) && !bytes.HasPrefix(line, []byte("...")) {
		return false
	}
	return len(line) == 3 || bytes.IndexByte([]byte(" \t\r\n"), line[3]) >= 0
}

// isBlank reports whether a line, or the rest of one, has no content.
func isBlank(line []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) == 0 || line[0] == '#'
}
