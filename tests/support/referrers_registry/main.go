// A registry that has the referrers API: go-containerregistry's, which keeps everything in memory.
// What it leaves out of a list of referrers is put in: the artifact type that a manifest states
// itself (distribution specification, "Listing Referrers").
//
//	referrers-registry HOST:PORT
package main

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: referrers-registry HOST:PORT")
	}
	quiet := log.New(io.Discard, "", 0)
	behind := registry.New(registry.WithReferrersSupport(true), registry.Logger(quiet))
	server := &http.Server{
		Addr:              os.Args[1],
		Handler:           withArtifactTypes(behind),
		ReadHeaderTimeout: 10 * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}

func withArtifactTypes(behind http.Handler) http.Handler {
	return http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		repository, _, listed := strings.Cut(request.URL.Path, "/referrers/")
		if !listed || request.Method != http.MethodGet {
			behind.ServeHTTP(answer, request)
			return
		}
		given := asked(behind, request)
		var index v1.IndexManifest
		if given.Code != http.StatusOK || json.Unmarshal(given.Body.Bytes(), &index) != nil {
			behind.ServeHTTP(answer, request)
			return
		}
		for at, entry := range index.Manifests {
			var stated struct {
				ArtifactType string `json:"artifactType"`
			}
			where := repository + "/manifests/" + entry.Digest.String()
			found := asked(behind, httptest.NewRequest(http.MethodGet, where, nil))
			if json.Unmarshal(found.Body.Bytes(), &stated) == nil && stated.ArtifactType != "" {
				index.Manifests[at].ArtifactType = stated.ArtifactType
			}
		}
		body, err := json.Marshal(index)
		if err != nil {
			http.Error(answer, err.Error(), http.StatusInternalServerError)
			return
		}
		answer.Header().Set("Content-Type", given.Header().Get("Content-Type"))
		answer.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = answer.Write(body)
	})
}

func asked(behind http.Handler, request *http.Request) *httptest.ResponseRecorder {
	given := httptest.NewRecorder()
	behind.ServeHTTP(given, request)
	return given
}
