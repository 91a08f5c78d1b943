package main

import (
	"encoding/hex"
	"errors"

	"golang.org/x/telemetry/internal/counter"
)

// An operation is one line of a script: either open a file or add to a counter
// of the file opened last.
type operation struct {
	Open     *string `json:"open"`
	Metadata string  `json:"meta"`
	Add      *string `json:"add"` // the name in hexadecimal
	Amount   uint64  `json:"n"`
}

// script performs the operations read from standard input. What Go refuses is
// answered with {"error": text} and the script goes on.
func script([]string) error {
	var opened *counter.Opened
	err := answerLines(func(wanted operation) (any, error) {
		switch {
		case wanted.Open != nil && wanted.Add == nil:
			if opened != nil {
				opened.Close()
				opened = nil
			}
			next, err := counter.OpenFile(*wanted.Open, wanted.Metadata)
			if err != nil {
				return refusal(err), nil
			}
			opened = next
			return map[string]string{"open": *wanted.Open}, nil
		case wanted.Add != nil && wanted.Open == nil:
			if opened == nil {
				return refusal(errors.New("no file is open")), nil
			}
			name, err := hex.DecodeString(*wanted.Add)
			if err != nil {
				return nil, err
			}
			value, err := opened.Add(string(name), wanted.Amount)
			if err != nil {
				return refusal(err), nil
			}
			return map[string]uint64{"value": value}, nil
		default:
			return nil, errors.New(`an operation is either "open" or "add"`)
		}
	})
	if opened != nil {
		opened.Close()
	}
	return err
}

// refusal is the answer for an operation that Go did not perform.
func refusal(err error) map[string]string {
	return map[string]string{"error": err.Error()}
}
