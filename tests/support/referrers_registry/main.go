// A registry that has the referrers API: go-containerregistry's, which keeps everything in memory.
//
//	referrers-registry HOST:PORT
package main

import (
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: referrers-registry HOST:PORT")
	}
	quiet := log.New(io.Discard, "", 0)
	server := &http.Server{
		Addr:              os.Args[1],
		Handler:           registry.New(registry.WithReferrersSupport(true), registry.Logger(quiet)),
		ReadHeaderTimeout: 10 * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}
