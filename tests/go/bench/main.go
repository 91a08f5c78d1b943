// Command bench times what Go's own telemetry code does, one question a line.
// A question is a verb and its arguments, separated by tabs; the answer is a
// line of four words: nanoseconds, allocations, a sum that shows that the work
// was done, and a text that is "-" where there is none. What cannot be answered
// ends the program. See ../README.md.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	asked := &asked{}
	for lines.Scan() {
		result, err := ask(asked, strings.Split(lines.Text(), "\t"))
		if err != nil {
			fmt.Fprintf(os.Stderr, "bench %q: %v\n", lines.Text(), err)
			os.Exit(1)
		}
		if result.text == "" {
			result.text = "-"
		}
		fmt.Printf("%d %d %d %s\n", result.nanoseconds, result.allocations, result.sum, result.text)
	}
}

// verbs are the questions, with the number of their arguments.
var verbs = map[string]struct {
	arguments int
	run       func(*asked, []string) (result, error)
}{
	"open":     {2, (*asked).open},
	"close":    {0, (*asked).close},
	"handle":   {1, (*asked).makeHandle},
	"add":      {1, (*asked).add},
	"addtwo":   {1, (*asked).addTwo},
	"names":    {3, (*asked).newNames},
	"find":     {3, (*asked).find},
	"map":      {4, (*asked).mapOften},
	"rotate":   {3, (*asked).rotateOften},
	"parse":    {2, (*asked).parse},
	"ring":     {2, (*asked).ringWrite},
	"ringtwo":  {3, (*asked).ringTwo},
	"ringfull": {1, (*asked).ringFull},
	"version":  {0, (*asked).version},
}

// ask answers one question.
func ask(asked *asked, words []string) (result, error) {
	verb, known := verbs[words[0]]
	arguments := words[1:]
	if !known || len(arguments) != verb.arguments {
		return result{}, fmt.Errorf("misspelt")
	}
	return verb.run(asked, arguments)
}

// number is an argument that is a number.
func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return value
}
