// Builds a database of Grype's out of facts, by Grype's own library.
//
//	grype-database FACTS OUTPUT
//
// FACTS holds a directory for each provider, in the form of vunnel's workspaces.
package main

import (
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/anchore/grype/grype/db"
	"github.com/anchore/grype/grype/db/provider"
	v6 "github.com/anchore/grype/grype/db/v6"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: grype-database FACTS OUTPUT")
	}
	found, err := filepath.Glob(filepath.Join(os.Args[1], "*", "metadata.json"))
	if err != nil {
		log.Fatal(err)
	}
	var states provider.States
	for _, file := range found {
		state, err := provider.ReadState(file)
		if err != nil {
			log.Fatal(err)
		}
		states = append(states, *state)
	}
	err = db.Build(db.BuildConfig{
		SchemaVersion: v6.ModelVersion,
		Directory:     os.Args[2],
		States:        states,
		Timestamp:     time.Now(),
		Hydrate:       true,
	})
	if err != nil {
		log.Fatal(err)
	}
}
