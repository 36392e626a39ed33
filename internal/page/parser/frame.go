package parser

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"legwork/internal/page"
)

// maxFrame is the greatest size of one frame, in bytes. It is not reached in practice: bodies have at most FETCH_MAX_BYTES, and package
// page limits the size of readings.
const maxFrame = 256 << 20

// settings are the first frame that a child receives.
type settings struct {
	CacheDir string // cache folder for machine code
	Memory   uint64 // bytes of writable memory that the child may map; 0 means no limit
}

// request is a document to read. Its body follows as a frame of its own.
type request struct {
	Prepare bool // true if the child must only compile the PDF reader into the cache, and read no document
	URL     string
	Header  http.Header
}

// answer is the result of a request.
type answer struct {
	Reading page.Reading
	Code    string // name of the error (see codes); empty if there is no error
	Message string // message of the error
}

// codes maps the errors of a page.Reader to the names that are sent between the processes. The last name is for all other errors.
func codes() []struct {
	code string
	err  error
} {
	return []struct {
		code string
		err  error
	}{{"empty", page.ErrEmpty}, {"password", page.ErrPassword}, {"limit", page.ErrLimit}, {"type", page.ErrType}}
}

// encode puts an error into the answer.
func (a *answer) encode(err error) {
	if err == nil {
		return
	}
	a.Code, a.Message = "type", err.Error()
	for _, c := range codes() {
		if errors.Is(err, c.err) {
			a.Code = c.code
			return
		}
	}
}

// err returns the error that encode has put into the answer.
func (a *answer) err() error {
	if a.Code == "" {
		return nil
	}
	for _, c := range codes() {
		if a.Code == c.code {
			rest, ok := strings.CutPrefix(a.Message, c.err.Error())
			if ok {
				return fmt.Errorf("%w%s", c.err, rest)
			}
			return fmt.Errorf("%w (%s)", c.err, a.Message)
		}
	}
	return fmt.Errorf("%w (%s)", page.ErrType, a.Message)
}

// writeFrame writes a frame: the length of data, then data.
func writeFrame(w io.Writer, data []byte) error {
	var head [4]byte
	if len(data) > maxFrame {
		return fmt.Errorf("a frame of %d bytes is too long", len(data))
	}
	binary.BigEndian.PutUint32(head[:], uint32(len(data)))
	if _, err := w.Write(head[:]); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}

func writeJSON(w io.Writer, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeFrame(w, data)
}

// readFrame reads one frame. At the end of the input the error is io.EOF.
func readFrame(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxFrame {
		return nil, fmt.Errorf("a frame of %d bytes is too long", n)
	}
	data := make([]byte, n)
	_, err := io.ReadFull(r, data)
	return data, err
}

func readJSON(r io.Reader, v any) error {
	data, err := readFrame(r)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}
