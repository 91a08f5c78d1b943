package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/telemetry/counter"
)

// deep is how many frames the longest stack keeps: more than fit into a name.
const deep = 400

var (
	shallowStack = counter.NewStack("oracle/shallow", 1)
	middleStack  = counter.NewStack("oracle/middle", 5)
	deepStack    = counter.NewStack("oracle/deep", deep)
	plainCounter = counter.New("oracle/plain")
)

// stacks counts call stacks through the public interface only, into a telemetry
// directory, and prints which files that made. Between them the stacks have
// frames of one and of several packages, of methods, closures, generic
// functions and inlined calls, and one is too long for a name.
func stacks(arguments []string) error {
	directory := arguments[0]
	counter.OpenDir(directory)
	plainCounter.Add(7)
	for range 3 {
		shallowStack.Inc()
	}
	shallowStack.Inc() // another line, another stack
	visitor{}.visit(func() { middleStack.Inc() })
	visitSorted()
	inlined()
	descend(deep)

	files, err := filepath.Glob(filepath.Join(directory, "local", "*.count"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("no counter file was made in %s", directory)
	}
	return writeJSON(os.Stdout, files, "")
}

// A visitor exists to have a method on the stack.
type visitor struct{}

//go:noinline
func (visitor) visit(call func()) { call() }

// visitSorted counts from below a generic function of the standard library.
//
//go:noinline
func visitSorted() {
	slices.SortFunc([]int{2, 1}, func(left, right int) int {
		middleStack.Inc()
		return left - right
	})
}

// inlined is small enough for the compiler to put into its caller.
func inlined() { middleStack.Inc() }

//go:noinline
func descend(levels int) {
	if levels == 0 {
		deepStack.Inc()
		return
	}
	descend(levels - 1)
}
