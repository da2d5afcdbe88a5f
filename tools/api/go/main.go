// Loads the schema of an SDL file with gqlparser, which also validates it; prints the number of types.
package main

import (
	"fmt"
	"os"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err == nil {
		var schema *ast.Schema
		if schema, err = gqlparser.LoadSchema(&ast.Source{Name: os.Args[1], Input: string(text)}); schema != nil {
			fmt.Println(len(schema.Types))
			return
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
