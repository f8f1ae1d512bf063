package main

import "regexp"

// block is a block of code in a Markdown document whose first line names a file.
var block = regexp.MustCompile("(?ms)^```[a-z]+\n// (\\S+)\n(.*?)^```$")

// codeOf returns the files in a Markdown document, by name.
func codeOf(document string) map[string]string {
	files := make(map[string]string)
	for _, match := range block.FindAllStringSubmatch(document, -1) {
		files[match[1]] = match[2]
	}
	return files
}
