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
// pushes that were surely not done, and pushes with goflow.ID. ErrRefused is also
// a token that the server does not know, or whose roles do not suffice.
package client
