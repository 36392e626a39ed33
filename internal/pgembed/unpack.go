package pgembed

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/ulikunitz/xz"
)

// maxUnpackedBytes limits the unpacked size of a jar. The largest of the pinned jars has 230 MB when unpacked.
const maxUnpackedBytes = 1 << 30

// unpackJar unpacks the one .txz file (a tar compressed with xz) in a jar (a zip) into the new folder dir.
func unpackJar(jar io.ReaderAt, size int64, dir string) error {
	archive, err := zip.NewReader(jar, size)
	if err != nil {
		return err
	}
	for _, f := range archive.File {
		if !strings.HasSuffix(f.Name, ".txz") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return err
		}
		defer func() { _ = r.Close() }()
		plain, err := xz.NewReader(bufio.NewReader(r))
		if err != nil {
			return err
		}
		return unpackTar(plain, dir)
	}
	return errors.New("there is no .txz file in it")
}

// unpackTar unpacks a tar into the new folder dir. Names in the tar cannot lead out of that folder. All users may read the result, since the server
// may run as another user than the one who downloads.
func unpackTar(r io.Reader, dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	if err := root.Chmod(".", 0o755); err != nil { // independent of the umask
		return err
	}
	left := int64(maxUnpackedBytes)
	for archive := tar.NewReader(r); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if left -= h.Size; left < 0 {
			return fmt.Errorf("it unpacks to more than %d bytes", maxUnpackedBytes)
		}
		if err := unpackEntry(root, h, archive); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}

// unpackEntry writes one entry of a tar.
func unpackEntry(root *os.Root, h *tar.Header, r io.Reader) error {
	name := path.Clean(h.Name)
	if err := makeDirs(root, path.Dir(name)); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return makeDirs(root, name)
	case tar.TypeSymlink:
		return root.Symlink(h.Linkname, name)
	case tar.TypeLink:
		return root.Link(path.Clean(h.Linkname), name)
	case tar.TypeReg:
		mode := os.FileMode(0o644)
		if h.Mode&0o111 != 0 {
			mode = 0o755
		}
		f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, r)
		return errors.Join(err, f.Chmod(mode), f.Close())
	}
	return fmt.Errorf("unexpected kind of entry %q", h.Typeflag)
}

// makeDirs creates a folder and its parents. All users may read them, independent of the umask.
func makeDirs(root *os.Root, name string) error {
	for i, r := range name + "/" {
		if r != '/' || i == 0 {
			continue
		}
		part := name[:i]
		if err := root.Mkdir(part, 0o755); errors.Is(err, os.ErrExist) {
			continue
		} else if err != nil {
			return err
		}
		if err := root.Chmod(part, 0o755); err != nil {
			return err
		}
	}
	return nil
}
