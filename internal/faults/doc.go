// Package faults makes what GoFlow works with fail: a Proxy stands in front of
// SQS or DynamoDB, or of an emulator of theirs, and refuses, delays, throttles,
// breaks and cuts off what goes through it, by a seed; Keys gives out
// credentials that expire. It is for the chaos demo and for tests, and listens
// on this machine only.
package faults
