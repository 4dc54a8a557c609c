// Package api is Belay over HTTP: transport only. openapi.yaml is the contract; requests are checked against it, turned
// into one call of a service, and the answer, or the problem, is written down. It knows nothing of how escalations
// work, and of outside systems only that somebody can verify and decode what they send.
package api

//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config server.cfg.yaml openapi.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config client.cfg.yaml openapi.yaml
