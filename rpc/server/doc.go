// Package server serves tasks over gRPC to programs that have no broker of their
// own: package rpc has the service, docs/grpc.md describes it.
//
// [New] takes a client of GoFlow's and what else is to be served. [Server.Serve]
// runs a whole gRPC server with safe limits, TLS, health and a graceful stop;
// [Server.Register] mounts the service on a gRPC server of yours. Either way each
// method asks who calls: a server without an [Authenticator] is not made.
package server
