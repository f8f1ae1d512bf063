package main

import (
	"fmt"
	"io/fs"
	"strings"
)

// generate returns the current content of the files that this command computes, or of which
// it computes parts.
func generate(root fs.FS) (map[string]string, error) {
	scenarios := scenarios()
	outcomes := results(scenarios)
	files := map[string]string{plotFile: plot(scenarios, outcomes)}
	for name, tables := range map[string]map[string]string{
		"deploy/COSTS.md": {"costs": costTable(), "photo": photoTable(), "deletion": deletionTable(), "events": eventsTable(), "open": openTable(), "levers": leversTable(), "settings": settingsTable()},
		"deploy/SCALE.md": {
			"demand": demandTable(),
			"memory": memoryTable(),
			"queue":  queueTable(scenarios, outcomes),
		},
	} {
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return nil, err
		}
		document := string(text)
		for table, content := range tables {
			if document, err = replace(document, table, content); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		files[name] = document
	}
	return files, nil
}

// replace puts a table between the two comments that name it.
func replace(document, table, content string) (string, error) {
	begin := fmt.Sprintf("<!-- %s: computed by deploy/measure/scale -->\n", table)
	end := fmt.Sprintf("<!-- /%s -->", table)
	before, rest, found := strings.Cut(document, begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return "", fmt.Errorf("no place for the table %q", table)
	}
	return before + begin + content + end + after, nil
}
