package main

import "runtime"

// A ringScript is a ring of events and what is done with it. A step with no
// numbers reads; one with numbers writes an event: its tag, its time, the
// length of its stack, and the words of its header. After the last step the
// ring is closed and read to its end.
type ringScript struct {
	Header int        `json:"header"`
	Data   int        `json:"data"`
	Tags   int        `json:"tags"`
	Start  uint64     `json:"start"` // the index at which both counts begin
	Steps  [][]uint64 `json:"steps"`
}

// A ringRead is what one read gave.
type ringRead struct {
	Words []uint64 `json:"words,omitempty"`
	Tags  []uint64 `json:"tags,omitempty"`
	End   bool     `json:"end,omitempty"`
}

// ring performs the scripts read from standard input, each on a ring of its
// own, and answers each with what all reads gave.
func ring([]string) error {
	return answerLines(func(script ringScript) (any, error) {
		ring := runtime.TallymarkNewRing(script.Header, script.Data, script.Tags, script.Start)
		reads := []ringRead{}
		for _, step := range script.Steps {
			if len(step) == 0 {
				reads = append(reads, readRing(ring))
				continue
			}
			tag, time, frames, header := step[0], step[1], step[2], step[3:]
			ring.Write(tag, time, header, ringStack(time, frames))
		}
		ring.Close()
		for {
			read := readRing(ring)
			reads = append(reads, read)
			if read.End {
				return reads, nil
			}
		}
	})
}

// readRing copies what a read gives.
func readRing(ring *runtime.TallymarkRing) ringRead {
	words, tags, end := ring.Read()
	read := ringRead{Words: append([]uint64(nil), words...), End: end}
	for _, tag := range tags {
		read.Tags = append(read.Tags, uint64(uintptr(tag)))
	}
	return read
}

// ringStack is the stack of an event that was written at some time.
func ringStack(time, frames uint64) []uintptr {
	stack := make([]uintptr, frames)
	for index := range stack {
		stack[index] = uintptr(time<<16 + uint64(index))
	}
	return stack
}
