package handlers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
)

// FetchArgs is the payload of Fetch.
type FetchArgs struct {
	URL string `json:"url"` // http or https
}

// FetchReport is the result of Fetch.
type FetchReport struct {
	Status int   `json:"status"`
	Bytes  int64 `json:"bytes"` // of the body, counted up to 16 MiB
}

// Fetch calls out over HTTP. What may pass is tried again: no answer, and an
// answer from 500 on; one from 400 on is final. It goes wherever its payload
// says: keep it from queues that strangers can write to.
var Fetch = goflow.NewJob[FetchArgs, FetchReport]("sample.fetch", goflow.Timeout(30*time.Second))

const (
	fetchTimeout = 10 * time.Second
	maxFetched   = 16 << 20
)

func fetch(ctx context.Context, in FetchArgs) (FetchReport, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := fetchRequest(ctx, in.URL)
	if err != nil {
		return FetchReport{}, goflow.Permanent(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return FetchReport{}, err
	}
	defer func() { _ = resp.Body.Close() }() // only read from
	n, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxFetched))
	if err != nil {
		return FetchReport{}, fmt.Errorf("read the body of %s: %w", req.URL.Redacted(), err)
	}
	return FetchReport{Status: resp.StatusCode, Bytes: n}, judge(req.URL, resp)
}

func fetchRequest(ctx context.Context, address string) (*http.Request, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("url: cannot be parsed") // the error would repeat a password
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("url %q: give one that begins with http:// or https://", u.Redacted())
	}
	return http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
}

// judge tells which statuses are failures, and which of them are final.
func judge(u *url.URL, resp *http.Response) error {
	err := fmt.Errorf("%s answered %s", u.Redacted(), resp.Status)
	switch {
	case resp.StatusCode >= http.StatusInternalServerError:
		return err
	case resp.StatusCode >= http.StatusBadRequest:
		return goflow.Permanent(err)
	}
	return nil
}
