package main

import (
	"fmt"

	"onepicture/api"
)

type openapiCmd struct{}

// Run prints the document from which the front end's types are made.
func (openapiCmd) Run() error {
	b, err := api.Document()
	if err != nil {
		return err
	}
	_, err = fmt.Print(string(b))
	return err
}
