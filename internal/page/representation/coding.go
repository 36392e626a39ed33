package representation

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

const (
	// maxCodings is the greatest number of content codings of one body. Two occur in practice; more are an attack.
	maxCodings = 4
	// maxWindow is the greatest window size of one zstd or brotli stream, in bytes.
	maxWindow = 16 << 20
)

var (
	// ErrTooLarge means that the decompressed body exceeds the limit.
	ErrTooLarge = errors.New("the body is too large")
	// ErrCoding means that the body is compressed, but cannot be decompressed.
	ErrCoding = errors.New("the body is compressed in a way that cannot be read")
)

// Unpack removes the content codings of a body. encodings are the values of its Content-Encoding headers, in the order in which the codings
// were applied. Servers send wrong headers, so the bytes decide: "deflate" may be zlib's format or raw DEFLATE; unknown codings, and
// codings that the bytes do not have, are skipped; and a result that is still gzip is unpacked once more. Unpack returns at most limit
// bytes. Errors wrap ErrTooLarge or ErrCoding. If a compressed stream is cut off, whole is false, and body is the part before the cut.
func Unpack(encodings []string, packed []byte, limit int64) (body []byte, whole bool, err error) {
	names := strings.FieldsFunc(strings.ToLower(strings.Join(encodings, ",")), func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
	body, whole = packed, true
	undone := 0
	for i := len(names) - 1; i >= 0; i-- {
		open := opener(names[i], body)
		if open == nil {
			continue
		}
		if undone++; undone > maxCodings {
			return nil, false, fmt.Errorf("%w: more than %d codings", ErrCoding, maxCodings)
		}
		plain, complete, err := unpack(open, body, limit)
		switch {
		case err == nil:
			body, whole = plain, whole && complete
		case signed(body) || errors.Is(err, ErrTooLarge):
			return nil, false, err
		} // else the bytes do not have this coding, so it is skipped
	}
	if isGzip(body) {
		if again, complete, err := unpack(openGzip, body, limit); err == nil {
			body, whole = again, whole && complete
		} else if errors.Is(err, ErrTooLarge) {
			return nil, false, err
		}
	}
	if int64(len(body)) > limit {
		return nil, false, ErrTooLarge
	}
	return body, whole, nil
}

// opener returns the decompressor of a coding, or nil if body does not have this coding.
func opener(name string, body []byte) func(io.Reader) (io.Reader, error) {
	switch name {
	case "gzip", "x-gzip":
		if isGzip(body) {
			return openGzip
		}
	case "deflate":
		switch {
		case len(body) == 0:
		case isZlib(body):
			return func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) }
		case isGzip(body):
			return openGzip
		case !looksLikeText(body): // raw DEFLATE has no signature
			return func(r io.Reader) (io.Reader, error) { return flate.NewReader(r), nil }
		}
	case "br":
		if len(body) > 0 && !looksLikeText(body) {
			return func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil }
		}
	case "zstd":
		if bytes.HasPrefix(body, []byte{0x28, 0xB5, 0x2F, 0xFD}) {
			return func(r io.Reader) (io.Reader, error) {
				d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(4*maxWindow))
				if err != nil {
					return nil, err
				}
				return d.IOReadCloser(), nil
			}
		}
	}
	return nil
}

func openGzip(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }

func isGzip(body []byte) bool { return bytes.HasPrefix(body, []byte{0x1F, 0x8B, 0x08}) }

// isZlib checks the two bytes at the start of zlib's format (RFC 1950 §2.2).
func isZlib(body []byte) bool {
	return len(body) >= 2 && body[0]&0x0F == 8 && body[0]>>4 <= 7 && (uint(body[0])<<8|uint(body[1]))%31 == 0 && body[1]&0x20 == 0
}

// signed reports whether body begins with the signature of a compressed format. If such a body cannot be decompressed, it is broken.
func signed(body []byte) bool {
	return isGzip(body) || isZlib(body) || bytes.HasPrefix(body, []byte{0x28, 0xB5, 0x2F, 0xFD})
}

// looksLikeText reports whether the beginning of body is text, so that body is not compressed.
func looksLikeText(body []byte) bool {
	head := body[:min(len(body), 512)]
	return !bytes.ContainsFunc(head, isControl) && utf8.Valid(head[:max(0, len(head)-utf8.UTFMax)])
}

// unpack decompresses one coding. Like browsers, it returns the data before a cut, and ignores a wrong checksum at the end.
func unpack(open func(io.Reader) (io.Reader, error), packed []byte, limit int64) (body []byte, whole bool, err error) {
	r, err := open(bytes.NewReader(packed))
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", ErrCoding, err)
	}
	body, err = io.ReadAll(io.LimitReader(r, limit+1))
	if c, ok := r.(io.Closer); ok {
		_ = c.Close()
	}
	switch {
	case int64(len(body)) > limit:
		return nil, false, ErrTooLarge
	case err == nil, errors.Is(err, gzip.ErrChecksum), errors.Is(err, zlib.ErrChecksum):
		return body, true, nil
	case len(body) == 0:
		return nil, false, fmt.Errorf("%w: %w", ErrCoding, err)
	case errors.Is(err, gzip.ErrHeader): // the stream is complete, and other bytes follow it
		return body, true, nil
	}
	return body, errors.Is(err, io.ErrUnexpectedEOF) && onlyTrailerMissing(open, packed, int64(len(body))), nil
}

// onlyTrailerMissing reports whether a stream that was cut off lacks only its checksum. It appends zero bytes in place of the checksum. If
// the checksum is then the only error, the data is complete.
func onlyTrailerMissing(open func(io.Reader) (io.Reader, error), packed []byte, size int64) bool {
	r, err := open(io.MultiReader(bytes.NewReader(packed), bytes.NewReader(make([]byte, 8))))
	if err != nil {
		return false
	}
	n, err := io.Copy(io.Discard, io.LimitReader(r, size+1))
	return n == size && (errors.Is(err, gzip.ErrChecksum) || errors.Is(err, zlib.ErrChecksum))
}
