// Sigstore's timestamp authority with a key that lives as long as it runs. The stock program also
// takes port 2112 of the machine for its metrics, so that no two of them can run.
//
//	timestamp-authority HOST PORT
package main

import (
	"log"
	"os"
	"strconv"
	"time"

	"github.com/sigstore/timestamp-authority/v2/pkg/server"
	"github.com/spf13/viper"
)

const timeout = 30 * time.Second

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: timestamp-authority HOST PORT")
	}
	port, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	const policy = "1.3.6.1.4.1.57264.2"
	viper.Set("timestamp-signer", "memory")
	viper.Set("timestamp-signer-hash", "sha256")
	viper.Set("default-policy-oid", policy)
	viper.Set("accepted-policy-oids", []string{policy})
	viper.Set("disable-ntp-monitoring", true)
	viper.Set("max-request-body-size", 1<<20)
	authority := server.NewRestAPIServer(os.Args[1], port, []string{"http"}, false, timeout, timeout)
	if err := authority.Serve(); err != nil {
		log.Fatal(err)
	}
}
