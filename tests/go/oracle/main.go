// Command oracle answers what Go's own telemetry code does, so that tallymark's
// tests can hold their results against it. See ../README.md for the subcommands.
//
// Answers are JSON on standard output and errors are text on standard error.
// The exit code is 0 when the question was answered, even if the answer is that
// Go refuses a file; 1 when it could not be answered; 2 when it was misspelt.
package main

import (
	"fmt"
	"os"
)

// A subcommand is one question: the arguments it takes and who answers it.
// A count of -1 means one argument or more.
type subcommand struct {
	arguments string
	count     int
	run       func(arguments []string) error
}

var subcommands = map[string]subcommand{
	"count":  {"FILE METADATA NAMES ROUNDS", 4, count},
	"decode": {"< LINES", 0, decode},
	"read":   {"FILE...", -1, read},
	"ring":   {"< LINES", 0, ring},
	"script": {"< LINES", 0, script},
	"stacks": {"DIRECTORY", 1, stacks},
}

func main() {
	if len(os.Args) < 2 {
		misspelt()
	}
	chosen, known := subcommands[os.Args[1]]
	arguments := os.Args[2:]
	if !known || !chosen.takes(len(arguments)) {
		misspelt()
	}
	if err := chosen.run(arguments); err != nil {
		fmt.Fprintf(os.Stderr, "oracle %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

// takes tells whether the subcommand can be asked with this many arguments.
func (s subcommand) takes(given int) bool {
	if s.count < 0 {
		return given > 0
	}
	return given == s.count
}

// misspelt prints how the program is called and ends it.
func misspelt() {
	fmt.Fprintln(os.Stderr, "usage:")
	for _, name := range []string{"count", "decode", "read", "ring", "script", "stacks"} {
		fmt.Fprintf(os.Stderr, "  oracle %s %s\n", name, subcommands[name].arguments)
	}
	os.Exit(2)
}
