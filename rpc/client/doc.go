// Package client is GoFlow without a broker of one's own: tasks go to a server
// (goflow server), over gRPC. What it returns is a whole [goflow.Client], so
// typed jobs work on it as on any other:
//
//	c, err := client.Dial("goflow.example.com:9090", client.Token(token))
//	id, err := Resize.Push(ctx, c.Client, args)
//	report, err := Resize.Wait(ctx, c.Client, id)
//
// It imports neither AWS's nor Kubernetes' modules.
//
// # Errors
//
// They are those of goflow.Client. A push that surely did not reach a server, or
// that a server refused, says so; one whose answer is lost is
// goflow.ErrAmbiguous, with the task's ID. What may be repeated is, with growing
// pauses, as long as the context lasts and five times at the most: all reads,
// pushes that were surely not done, and pushes with goflow.ID; of a batch those
// alone, and of a group nothing that stands behind a task which was not pushed.
// A server that stops or is killed is such a case: the next call goes to
// another. ErrRefused is also a token that the server does not know, or whose
// roles do not suffice. There is no limit of time but the context's.
//
// # Encryption
//
// The default is TLS by the system's authorities, and plain text to addresses of
// this machine, which are localhost, loopback addresses and Unix sockets.
// [TLSFiles] and [TLS] name other authorities and a certificate of the client's;
// [PlainText] does without beyond this machine. Nothing falls back to plain
// text, so a token is never sent without TLS unless the program says so.
package client
