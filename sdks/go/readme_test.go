package tenlyr

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// Every block of the README stands in an example, which go test runs.
func TestTheReadmeRuns(t *testing.T) {
	var examples strings.Builder
	files, err := filepath.Glob("*/example*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, "example_test.go") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		examples.WriteString(flush(string(text)))
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := goBlock.FindAllStringSubmatch(string(readme), -1)
	if len(blocks) == 0 {
		t.Fatal("no blocks")
	}
	for _, block := range blocks {
		if !strings.Contains(examples.String(), flush(block[1])) {
			t.Errorf("stands in no example:\n%s", block[1])
		}
	}
}

// flush takes the indentation away: a block of the README stands within a function.
func flush(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimLeft(line, "\t")
	}
	return strings.Join(lines, "\n")
}
