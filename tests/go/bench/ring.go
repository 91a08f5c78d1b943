package main

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// The ring of Go's own profiler, and events like those of its own profiles.
const (
	ringHeader = 1
	ringData   = 1 << 17
	ringTags   = 1 << 14
	ringFrames = 32
	ringWords  = 2 + ringHeader + ringFrames
)

// ringEvent is the header and the stack of every event.
func ringEvent() ([]uint64, []uintptr) {
	stack := make([]uintptr, ringFrames)
	for index := range stack {
		stack[index] = uintptr(0x400000 + index)
	}
	return []uint64{1}, stack
}

// newRing is an empty ring.
func newRing() *runtime.TallymarkRing {
	return runtime.TallymarkNewRing(ringHeader, ringData, ringTags, 0)
}

// ringWrite writes events and reads them after every so many: BATCH TIMES. The
// sum is that of their times.
func (a *asked) ringWrite(arguments []string) (result, error) {
	batch, times := number(arguments[0]), number(arguments[1])
	if a.ring == nil {
		a.ring = newRing()
	}
	ring := a.ring
	header, stack := ringEvent()
	return timed(func() (uint64, error) {
		sum := uint64(0)
		for now := 1; now <= times; now++ {
			ring.Write(uint64(now), uint64(now), header, stack)
			if now%batch != 0 && now != times {
				continue
			}
			for {
				words, _, _ := ring.Read()
				if len(words) == 0 {
					break
				}
				for len(words) > 0 {
					sum += words[1]
					words = words[words[0]:]
				}
			}
		}
		return sum, nil
	})
}

// ringTwo writes events in one goroutine and reads them in another: WINDOW STEP
// TIMES. The writer asks after every STEP events that no more than WINDOW are
// unread. The sum is that of all words.
func (a *asked) ringTwo(arguments []string) (result, error) {
	window, step, times := number(arguments[0]), number(arguments[1]), number(arguments[2])
	if a.ring == nil {
		a.ring = newRing()
	}
	ring := a.ring
	header, stack := ringEvent()
	var ready, begun atomic.Bool
	var given atomic.Int64
	var reader sync.WaitGroup
	sum, elapsed := uint64(0), time.Duration(0)
	reader.Go(func() {
		for !begun.Load() {
			ready.Store(true)
		}
		for seen, polls := 0, 0; seen < times; {
			words, tags, _ := ring.Read()
			// What was read before has been given back now.
			given.Store(int64(seen))
			if len(words) == 0 {
				pause(polls)
				polls++
				continue
			}
			for _, word := range words {
				sum += word
			}
			seen, polls = seen+len(tags), 0
		}
	})
	answer, err := timed(func() (uint64, error) {
		// The memory was looked at, for which everything was stopped: the reader
		// must be running again.
		ready.Store(false)
		for !ready.Load() {
			runtime.Gosched()
		}
		start := time.Now()
		begun.Store(true)
		for now := 1; now <= times; now++ {
			if now%step == 0 {
				for polls := 0; now-int(given.Load()) > window; polls++ {
					pause(polls)
				}
			}
			ring.Write(uint64(now), uint64(now), header, stack)
		}
		reader.Wait()
		elapsed = time.Since(start)
		return sum, nil
	})
	answer.nanoseconds = elapsed.Nanoseconds()
	if words, _, _ := ring.Read(); len(words) != 0 {
		return result{}, errors.New("more events than were written")
	}
	return answer, err
}

// pause is what a goroutine does that finds nothing to do.
func pause(polls int) {
	if polls%64 == 63 {
		runtime.Gosched()
	}
}

// ringFull fills a ring and writes on: TIMES. The sum is that of the events
// that the ring says were lost.
func (a *asked) ringFull(arguments []string) (result, error) {
	times := number(arguments[0])
	if a.ring == nil {
		a.ring = newRing()
	}
	ring := a.ring
	header, stack := ringEvent()
	// One more than has room.
	for now := range ringData/ringWords + 1 {
		ring.Write(1, uint64(now), header, stack)
	}
	answer, err := timed(func() (uint64, error) {
		for now := range times {
			ring.Write(1, uint64(now), header, stack)
		}
		return 0, nil
	})
	for {
		words, _, _ := ring.Read()
		if len(words) == 0 {
			break
		}
		for len(words) > 0 {
			if words[0] == 3+ringHeader {
				answer.sum += words[2+ringHeader]
			}
			words = words[words[0]:]
		}
	}
	// The writes before the first loss that is timed.
	answer.sum--
	return answer, err
}
