package main

import (
	"encoding/hex"

	"golang.org/x/telemetry/internal/counter"
)

// A hexName is a counter's name, which may be any bytes, in hexadecimal.
type hexName struct {
	Name string `json:"name_hex"`
}

// decode answers each encoded name read from standard input with the name that
// Go shows for it.
func decode([]string) error {
	return answerLines(func(encoded hexName) (any, error) {
		name, err := hex.DecodeString(encoded.Name)
		if err != nil {
			return nil, err
		}
		decoded := counter.DecodeStack(string(name))
		return hexName{hex.EncodeToString([]byte(decoded))}, nil
	})
}
