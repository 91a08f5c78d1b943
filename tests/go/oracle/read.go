package main

import (
	"encoding/hex"
	"fmt"
	"os"
	"time"
	"unicode/utf8"

	"golang.org/x/telemetry/internal/counter"
)

// parseLimit is how long one file may take: a cycle in a chain of records can
// keep the parser busy for ever, and that too is an answer.
const parseLimit = 5 * time.Second

// A reading is what Go sees in one file: either an error or the rest.
type reading struct {
	File     string            `json:"file"`
	Error    string            `json:"error,omitempty"`
	Metadata map[string]string `json:"meta,omitempty"`
	// Counts are by name, stacks already decoded.
	Counts map[string]uint64 `json:"counts,omitempty"`
	// HexCounts are those whose name is not UTF-8, by the name in hexadecimal.
	HexCounts map[string]uint64 `json:"counts_hex,omitempty"`
}

// read prints what Go's parser makes of each file, as one JSON array.
func read(files []string) error {
	readings := make([]reading, 0, len(files))
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		readings = append(readings, readOne(file, data))
	}
	return writeJSON(os.Stdout, readings, "  ")
}

// readOne parses one file's bytes, within parseLimit.
func readOne(file string, data []byte) reading {
	done := make(chan reading, 1)
	go func() {
		parsed, err := parse(file, data)
		if err != nil {
			done <- reading{File: file, Error: err.Error()}
			return
		}
		done <- present(file, parsed)
	}()
	select {
	case result := <-done:
		return result
	case <-time.After(parseLimit):
		return reading{File: file, Error: fmt.Sprintf("no end within %v", parseLimit)}
	}
}

// parse is Go's own parser, with its panics turned into errors.
func parse(file string, data []byte) (parsed *counter.File, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	return counter.Parse(file, data)
}

// present sorts the counts by whether JSON can carry their names.
func present(file string, parsed *counter.File) reading {
	result := reading{
		File:      file,
		Metadata:  parsed.Meta,
		Counts:    map[string]uint64{},
		HexCounts: map[string]uint64{},
	}
	for name, value := range parsed.Count {
		if utf8.ValidString(name) {
			result.Counts[name] = value
		} else {
			result.HexCounts[hex.EncodeToString([]byte(name))] = value
		}
	}
	return result
}
