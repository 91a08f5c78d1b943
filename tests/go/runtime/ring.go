// This file goes into Go's package runtime while a program of ours is built, to
// hand out the ring of profiling events that nothing exports there.

package runtime

import "unsafe"

// A TallymarkRing is a profBuf with a writer and a reader.
type TallymarkRing struct {
	ring *profBuf
	// tag is where a write finds the tag. The rings of a test have numbers for
	// tags, which are no addresses and must not lie on a stack as such.
	tag unsafe.Pointer
}

// TallymarkNewRing makes a ring for headers of so many words, with room for so
// many words and tags, whose counts begin at some index. A ring of Go's begins
// at 0; another index is what many writes and reads lead to.
func TallymarkNewRing(header, data, tags int, start uint64) *TallymarkRing {
	ring := newProfBuf(header, data, tags)
	ring.r.store(profIndex(start))
	ring.w.store(profIndex(start))
	ring.rNext = profIndex(start)
	return &TallymarkRing{ring: ring}
}

// Write writes an event.
func (r *TallymarkRing) Write(tag, time uint64, header []uint64, stack []uintptr) {
	*(*uintptr)(unsafe.Pointer(&r.tag)) = uintptr(tag)
	r.ring.write(&r.tag, int64(time), header, stack)
}

// Read reads what there is, without waiting.
func (r *TallymarkRing) Read() (words []uint64, tags []unsafe.Pointer, end bool) {
	return r.ring.read(profBufNonBlocking)
}

// Close ends the stream.
func (r *TallymarkRing) Close() {
	r.ring.close()
}
