package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"golang.org/x/telemetry/internal/counter"
)

// An asked keeps what one question leaves for the next.
type asked struct {
	session *counter.Session
	handle  *counter.Counter
	// data is the file that was parsed last, by its path.
	path string
	data []byte
	ring *runtime.TallymarkRing
}

// A result is an answer.
type result struct {
	nanoseconds int64
	allocations uint64
	sum         uint64
	text        string
}

// timed measures some work.
func timed(work func() (uint64, error)) (result, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	sum, err := work()
	elapsed := time.Since(start)
	runtime.ReadMemStats(&after)
	return result{elapsed.Nanoseconds(), after.Mallocs - before.Mallocs, sum, ""}, err
}

// open opens a session: PATH METADATA, the metadata quoted.
func (a *asked) open(arguments []string) (result, error) {
	metadata, err := strconv.Unquote(arguments[1])
	if err != nil {
		return result{}, err
	}
	a.session, err = counter.OpenSession(arguments[0], metadata)
	return result{}, err
}

// close closes the session, and gives the memory of its handles back.
func (a *asked) close([]string) (result, error) {
	a.session.Close()
	a.session, a.handle = nil, nil
	runtime.GC()
	return result{}, nil
}

// makeHandle makes the handle that is added to, and adds one: NAME.
func (a *asked) makeHandle(arguments []string) (result, error) {
	a.handle = a.session.New(arguments[0])
	a.handle.Inc()
	return result{}, nil
}

// add adds one to the handle, often: TIMES.
func (a *asked) add(arguments []string) (result, error) {
	times, handle := number(arguments[0]), a.handle
	return timed(func() (uint64, error) {
		for range times {
			handle.Inc()
		}
		return uint64(times), nil
	})
}

// addTwo adds one to the handle from two goroutines: TIMES each.
func (a *asked) addTwo(arguments []string) (result, error) {
	times, handle := number(arguments[0]), a.handle
	return timed(func() (uint64, error) {
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				for range times {
					handle.Inc()
				}
			})
		}
		both.Wait()
		return 2 * uint64(times), nil
	})
}

// names are the names that the benchmark makes, on both sides: seven digits
// behind a prefix.
func names(prefix string, from, to int) []string {
	made := make([]string, 0, to-from)
	for index := from; index < to; index++ {
		made = append(made, fmt.Sprintf("%s%07d", prefix, index))
	}
	return made
}

// newNames counts one for each of many new names: PREFIX FROM TO.
func (a *asked) newNames(arguments []string) (result, error) {
	session := a.session
	names := names(arguments[0], number(arguments[1]), number(arguments[2]))
	return timed(func() (uint64, error) {
		for _, name := range names {
			session.New(name).Inc()
		}
		return uint64(len(names)), nil
	})
}

// find looks names up, in a mixed order: PREFIX NAMES TIMES. The sum is that of
// the offsets found.
func (a *asked) find(arguments []string) (result, error) {
	session, times := a.session, number(arguments[2])
	names := names(arguments[0], 0, number(arguments[1]))
	return timed(func() (uint64, error) {
		sum := uint64(0)
		for turn := range times {
			offset := session.Find(names[turn*7919%len(names)])
			if offset == 0 {
				return 0, errors.New("a name is not found")
			}
			sum += offset
		}
		return sum, nil
	})
}

// mapOften opens a file, counts one and closes it: PATH METADATA NAME TIMES.
func (a *asked) mapOften(arguments []string) (result, error) {
	metadata, err := strconv.Unquote(arguments[1])
	if err != nil {
		return result{}, err
	}
	path, name, times := arguments[0], arguments[2], number(arguments[3])
	return timed(func() (uint64, error) {
		for range times {
			opened, err := counter.OpenFile(path, metadata)
			if err != nil {
				return 0, err
			}
			if _, err := opened.Add(name, 1); err != nil {
				return 0, err
			}
			opened.Close()
		}
		return uint64(times), nil
	})
}

// rotateOften opens this week's file of a directory, counts one and closes it:
// DIRECTORY NAME TIMES. The text is the file.
func (a *asked) rotateOften(arguments []string) (result, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return result{}, errors.New("no build information")
	}
	counter.UseDirectory(arguments[0])
	name, times, path := arguments[1], number(arguments[2]), ""
	answer, err := timed(func() (uint64, error) {
		for range times {
			session, err := counter.Rotating(info)
			if err != nil {
				return 0, err
			}
			session.New(name).Inc()
			path = session.Path()
			session.Close()
		}
		return uint64(times), nil
	})
	answer.text = path
	return answer, err
}

// parse reads all counters of a file that is in memory: PATH TIMES. The sum is
// that of the counts.
func (a *asked) parse(arguments []string) (result, error) {
	if a.path != arguments[0] {
		data, err := os.ReadFile(arguments[0])
		if err != nil {
			return result{}, err
		}
		a.path, a.data = arguments[0], data
	}
	times := number(arguments[1])
	var last *counter.File
	answer, err := timed(func() (uint64, error) {
		for range times {
			parsed, err := counter.Parse(a.path, a.data)
			if err != nil {
				return 0, err
			}
			last = parsed
		}
		return 0, nil
	})
	if err != nil {
		return result{}, err
	}
	for _, value := range last.Count {
		answer.sum += value
	}
	return answer, nil
}

// version is Go's.
func (a *asked) version([]string) (result, error) {
	return result{text: runtime.Version()}, nil
}
