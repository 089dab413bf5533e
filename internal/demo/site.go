package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/jamesTait-jt/goflow/internal/faults"
)

// startSite serves the pages that the fetch tasks fetch, on this machine only.
func startSite(ctx context.Context) (url string, stop func(), err error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ok/{page}", func(w http.ResponseWriter, r *http.Request) {
		page, err := strconv.Atoi(r.PathValue("page"))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		_, _ = fmt.Fprintf(w, "page %d", page) // whoever asked has gone
	})
	mux.HandleFunc("GET /broken", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	return faults.Serve(ctx, mux)
}
