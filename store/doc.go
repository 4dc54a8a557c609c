// Package store keeps everything in PostgreSQL: what arrived, what the recorder wrote, what was configured, and who did
// what. It implements the ports of the services and of the activities and decides nothing that they could decide.
//
// SQL lives in queries/ and migrations/; the code in sqlc/ is generated from both (sqlc generate). Errors are faults:
// what the database refuses is Conflict or Invalid, a database that does not answer is Unavailable.
package store

//go:generate go tool -modfile=../tools/go.mod sqlc generate
