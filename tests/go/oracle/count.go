package main

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/telemetry/internal/counter"
)

// A tally is what one counting process added, for the test's own ledger.
type tally struct {
	Process int               `json:"pid"`
	Added   map[string]uint64 `json:"added"`
	// Refused is how often Go called the healthy file corrupt: it does so when
	// it loses the race for a chain to a process that has just grown the file,
	// because it follows the new link without mapping the new page first.
	Refused int `json:"refused"`
}

// count is one of several processes on the same file. In each round it adds 1
// to every name that all processes share and 1 to every name of its own, so
// that each process races the others for new records and for old ones.
func count(arguments []string) error {
	file, metadata := arguments[0], arguments[1]
	names, err := strconv.Atoi(arguments[2])
	if err != nil {
		return err
	}
	rounds, err := strconv.Atoi(arguments[3])
	if err != nil {
		return err
	}
	opened, err := counter.OpenFile(file, metadata)
	if err != nil {
		return err
	}
	defer opened.Close()

	result := tally{Process: os.Getpid(), Added: map[string]uint64{}}
	for range rounds {
		for index := range names {
			shared := fmt.Sprintf("shared-%d", index)
			own := fmt.Sprintf("go-%d-%d", result.Process, index)
			for _, name := range []string{shared, own} {
				_, err := opened.Add(name, 1)
				for tries := 0; err != nil && tries < 10; tries++ {
					result.Refused++
					_, err = opened.Add(name, 1)
				}
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				result.Added[name]++
			}
		}
	}
	return writeJSON(os.Stdout, result, "")
}
