package runtimeapi

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	functionName = "function-under-test"
	functionARN  = "arn:aws:lambda:us-east-1:000000000000:function:" + functionName
)

// routes are the two APIs.
func (f *Function) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", f.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", f.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", f.error)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", f.failedInit)
	mux.HandleFunc("POST /2020-01-01/extension/register", f.register)
	mux.HandleFunc("GET /2020-01-01/extension/event/next", func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done() // an extension inside of the process gets a signal, no event
	})
	return mux
}

func (f *Function) next(w http.ResponseWriter, r *http.Request) {
	f.completeAnswered()
	f.becomeReady()
	select {
	case inv := <-f.waiting:
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(inv.timeout).UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", functionARN)
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0")
		h.Set("Content-Type", "application/json")
		_, _ = w.Write(inv.payload) // a process that has gone fails the invocation by that
	case <-r.Context().Done(): // a dead process must not swallow an event
	}
}

func (f *Function) becomeReady() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.readyAfter == 0 {
		f.readyAfter = time.Since(f.started)
		close(f.ready)
	}
}

func (f *Function) response(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	accept(w, err == nil && f.answer(r.PathValue("id"), Result{Payload: body}))
}

func (f *Function) error(w http.ResponseWriter, r *http.Request) {
	e := &Error{}
	err := json.NewDecoder(r.Body).Decode(e)
	accept(w, err == nil && f.answer(r.PathValue("id"), Result{Error: e}))
}

func (f *Function) failedInit(w http.ResponseWriter, r *http.Request) {
	e := &Error{}
	err := json.NewDecoder(r.Body).Decode(e)
	f.mu.Lock()
	f.initError = e
	f.mu.Unlock()
	accept(w, err == nil)
}

func accept(w http.ResponseWriter, ok bool) {
	if ok {
		w.WriteHeader(http.StatusAccepted)
	} else {
		w.WriteHeader(http.StatusBadRequest)
	}
}

func (f *Function) register(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	f.registered = true
	f.mu.Unlock()
	w.Header().Set("Lambda-Extension-Identifier", "1")
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"functionName": functionName}) // whoever asked has gone
}
