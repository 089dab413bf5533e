// Package deploy is what `goflow deploy`, `destroy` and `status` do: the objects that run GoFlow in a Kubernetes
// namespace, how they get there, and whether they run. Only the command line imports it; archtest holds that.
package deploy
