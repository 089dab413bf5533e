package faults

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// errCut keeps an answer from its receiver.
var errCut = errors.New("faults: cut off")

// modify changes the answer to a request that was carried out.
func modify(r *http.Response) error {
	f, _ := r.Request.Context().Value(fateKey{}).(*fate)
	if f == nil || f.kind != Cut && f.mend == nil {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close() // it was read
	switch {
	case err != nil:
		return err
	case f.kind == Cut && f.half:
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), broken{}))
		return nil
	case f.kind == Cut:
		return errCut
	case r.StatusCode == http.StatusOK:
		if body, err = f.mend(body); err != nil {
			return err
		}
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	r.Header.Del("X-Amz-Crc32") // of what the service said
	return nil
}

// broken ends a body before its end.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errCut }

// unanswered closes the connection of a request whose answer does not come.
func unanswered(_ http.ResponseWriter, r *http.Request, err error) {
	if f, ok := r.Context().Value(fateKey{}).(*fate); ok && !errors.Is(err, errCut) {
		f.kind = Away
	}
	panic(http.ErrAbortHandler)
}
