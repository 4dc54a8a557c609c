//go:build !unix

package disk

import "errors"

// lock: without one, two processes could use one number.
func lock(string) (release func(), err error) { return nil, errors.ErrUnsupported }
