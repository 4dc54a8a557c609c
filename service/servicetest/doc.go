// Package servicetest keeps the ports of package service in memory, with the behaviour their comments promise, and
// faults that a test can plant. It is for tests of the rooms around services.
package servicetest
