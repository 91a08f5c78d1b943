package counter

// What the benchmark needs of the shipped code and is not exported there. As in
// export.go, no behaviour is added.

import (
	"runtime/debug"
	"unsafe"

	"golang.org/x/telemetry/internal/telemetry"
)

// A Session is one file with its handles: what the process-wide default file
// is, but any number of times. It is not rotated.
type Session struct {
	path, metadata string
	file           file
}

// OpenSession opens the counter file at path, making it when it is missing.
func OpenSession(path, metadata string) (*Session, error) {
	mapped, err := openMapped(path, metadata)
	if err != nil {
		return nil, err
	}
	session := &Session{path: path, metadata: metadata}
	session.file.current.Store(mapped)
	return session, nil
}

// New is a new handle of the session.
func (s *Session) New(name string) *Counter {
	return &Counter{name: name, file: &s.file}
}

// Find looks a counter up in the file and returns its offset, 0 if it is not
// there.
func (s *Session) Find(name string) uint64 {
	mapped := s.file.current.Load()
	value, _, _, ok := mapped.lookup(name)
	if value == nil || !ok {
		return 0
	}
	return uint64(uintptr(unsafe.Pointer(value)) - uintptr(unsafe.Pointer(&mapped.mapping.Data[0])))
}

// Close unmaps and closes the file.
func (s *Session) Close() {
	s.file.current.Load().close()
}

// UseDirectory makes directory the one that Rotating counts in.
func UseDirectory(directory string) {
	telemetry.Default = telemetry.NewDir(directory)
}

// Rotating opens this week's file in the directory, as a program does when it
// starts. What is known about the program is handed in: a program asks the
// runtime for it only once.
func Rotating(info *debug.BuildInfo) (*Session, error) {
	session := &Session{}
	session.file.buildInfo = info
	session.file.rotate1()
	if session.file.err != nil {
		return nil, session.file.err
	}
	return session, nil
}

// Path is the path of the file.
func (s *Session) Path() string {
	return s.file.current.Load().f.Name()
}
