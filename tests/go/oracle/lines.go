package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// answerLines reads questions, one JSON value a line, from standard input and
// writes one answer a line, in the same order. Answers are held back only while
// more questions are already waiting, so a caller may also ask one at a time.
func answerLines[Question any](answer func(Question) (any, error)) error {
	input := bufio.NewReader(os.Stdin)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	for number := 1; ; number++ {
		line, readErr := input.ReadBytes('\n')
		if readErr != nil && readErr != io.EOF {
			return readErr
		}
		if len(bytes.TrimSpace(line)) > 0 {
			var question Question
			decoder := json.NewDecoder(bytes.NewReader(line))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&question); err != nil {
				return fmt.Errorf("line %d: %w", number, err)
			}
			reply, err := answer(question)
			if err != nil {
				return fmt.Errorf("line %d: %w", number, err)
			}
			if err := writeJSON(output, reply, ""); err != nil {
				return err
			}
		}
		if readErr == io.EOF {
			return nil
		}
		if input.Buffered() == 0 {
			if err := output.Flush(); err != nil {
				return err
			}
		}
	}
}

// writeJSON writes one value and a newline, with `<`, `>` and `&` as they are.
func writeJSON(output io.Writer, value any, indent string) error {
	encoder := json.NewEncoder(output)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	return encoder.Encode(value)
}
