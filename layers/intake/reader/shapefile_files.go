package reader

import (
	"archive/zip"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// shapeFiles are the files of one shapefile, in a .zip or beside one another.
type shapeFiles struct {
	parts  map[string]func() (io.Reader, error) // by extension
	closes []io.Closer
	all    []*source
}

// Close closes what was opened beyond the source itself.
func (s *shapeFiles) Close() error {
	var err error
	for _, c := range s.closes {
		err = errors.Join(err, c.Close())
	}
	s.closes = nil
	return err
}

func (s *shapeFiles) progress() (read, total int64) {
	for _, src := range s.all {
		r, t := src.Progress()
		read, total = read+r, total+t
	}
	return read, total
}

func (s *shapeFiles) open(ext string) (io.Reader, error) {
	part := s.parts[ext]
	if part == nil {
		return nil, fail(ClassFormat, "the shapefile has no %s", ext)
	}
	return part()
}

// sidecar reads a small file whole; nil when there is none.
func (s *shapeFiles) sidecar(ext string) ([]byte, error) {
	if s.parts[ext] == nil {
		return nil, nil
	}
	r, err := s.parts[ext]()
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, maxSidecar+1))
	if len(b) > maxSidecar {
		return nil, fail(ClassSize, "the %s is longer than %d bytes", ext, maxSidecar)
	}
	return b, err
}

func isZip(r io.ReaderAt) bool {
	var magic [4]byte
	_, err := r.ReadAt(magic[:], 0)
	return err == nil && (string(magic[:]) == "PK\x03\x04" || string(magic[:]) == "PK\x05\x06")
}

func shapeFilesOf(src *source, object string) (*shapeFiles, error) {
	if isZip(src.blob) {
		return zippedFiles(src, object)
	}
	if src.siblings == nil {
		return nil, fail(ClassFormat, "the file is neither a .zip nor a .shp")
	}
	others, err := src.siblings()
	if err != nil {
		return nil, err
	}
	s := &shapeFiles{parts: map[string]func() (io.Reader, error){}, all: []*source{src}}
	s.parts[".shp"] = section(src)
	for ext, other := range others {
		s.parts[ext] = section(other)
		s.closes = append(s.closes, other)
		s.all = append(s.all, other)
	}
	return s, nil
}

func section(src *source) func() (io.Reader, error) {
	return func() (io.Reader, error) { return io.NewSectionReader(src, 0, src.size), nil }
}

// siblings opens the files beside a .shp that have its name; capitals do not count.
func siblings(shp string, limits Limits) (map[string]*source, error) {
	entries, err := os.ReadDir(filepath.Dir(shp))
	if err != nil {
		return nil, fail(ClassIO, "the folder of the .shp cannot be read").because(err)
	}
	stem := strings.TrimSuffix(filepath.Base(shp), filepath.Ext(shp))
	out := map[string]*source{}
	for _, e := range entries {
		ext := strings.ToLower(filepath.Ext(e.Name()))
		if !slices.Contains([]string{".dbf", ".prj", ".cpg"}, ext) || !strings.EqualFold(strings.TrimSuffix(e.Name(), filepath.Ext(e.Name())), stem) {
			continue
		}
		src, err := openSource(filepath.Join(filepath.Dir(shp), e.Name()), limits)
		if err != nil {
			for _, opened := range out {
				err = errors.Join(err, opened.Close())
			}
			return nil, err
		}
		if out[ext] != nil {
			err := errors.Join(fail(ClassFormat, "there are two %s files of this shapefile", ext), src.Close())
			for _, opened := range out {
				err = errors.Join(err, opened.Close())
			}
			return nil, err
		}
		out[ext] = src
	}
	return out, nil
}

// zippedFiles finds the one shapefile in an archive. Nothing is ever written by the names in it; names that climb are
// refused all the same, since no honest archive has them.
func zippedFiles(src *source, object string) (*shapeFiles, error) {
	z, err := zip.NewReader(src, src.size)
	if err != nil {
		return nil, fail(ClassArchive, "the .zip cannot be read: it is damaged or cut").because(err)
	}
	src.rewind()
	var shapes []string
	for _, f := range z.File {
		name := strings.ReplaceAll(f.Name, `\`, "/")
		if path.IsAbs(name) || slices.Contains(strings.Split(name, "/"), "..") || strings.Contains(name, ":") {
			return nil, fail(ClassArchive, "the .zip holds a name that leads out of its folder")
		}
		if strings.EqualFold(path.Ext(name), ".shp") && !hidden(name) {
			shapes = append(shapes, name)
		}
	}
	chosen, err := choose(shapes, object)
	if err != nil {
		return nil, err
	}
	s := &shapeFiles{parts: map[string]func() (io.Reader, error){}, all: []*source{src}}
	stem := strings.TrimSuffix(chosen, path.Ext(chosen))
	for _, f := range z.File {
		name := strings.ReplaceAll(f.Name, `\`, "/")
		ext := strings.ToLower(path.Ext(name))
		if !strings.EqualFold(strings.TrimSuffix(name, path.Ext(name)), stem) || f.FileInfo().IsDir() {
			continue
		}
		if s.parts[ext] != nil {
			return nil, fail(ClassArchive, "the .zip holds two %s files of this shapefile", ext)
		}
		s.parts[ext] = func() (io.Reader, error) { return s.member(src, f) }
	}
	return s, nil
}

// hidden are the shadows that macOS puts into archives.
func hidden(name string) bool {
	return strings.HasPrefix(name, "__MACOSX/") || strings.HasPrefix(path.Base(name), "._")
}

func choose(shapes []string, object string) (string, error) {
	switch {
	case len(shapes) == 0:
		return "", fail(ClassFormat, "the .zip holds no .shp")
	case object == "" && len(shapes) == 1:
		return shapes[0], nil
	case object == "":
		return "", fail(ClassOption, "the .zip holds several shapefiles; declare one of: %s", names(shapes))
	}
	var found []string
	for _, name := range shapes {
		if base := path.Base(name); name == object || base == object || strings.TrimSuffix(base, path.Ext(base)) == object {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		return "", fail(ClassOption, "the declared shapefile is in the .zip %d times; it holds: %s", len(found), names(shapes))
	}
	return found[0], nil
}

// member opens a file of an archive under guard.
func (s *shapeFiles) member(src *source, f *zip.File) (io.Reader, error) {
	if f.Flags&1 != 0 {
		return nil, fail(ClassArchive, "the .zip is encrypted")
	}
	in, err := f.Open()
	if err != nil {
		return nil, fail(ClassArchive, "a file of the .zip cannot be read").because(err)
	}
	s.closes = append(s.closes, in)
	stored := int64(min(f.CompressedSize64, uint64(src.size)))
	return &guard{from: in, stored: func() int64 { return stored }, limits: src.limits}, nil
}
