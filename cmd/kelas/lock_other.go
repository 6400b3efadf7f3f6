//go:build !unix

package main

// lockDataDir does nothing where files have no advisory locks: there nobody
// is kept from starting two servers on one data directory.
func lockDataDir(string) (unlock func() error, err error) {
	return func() error { return nil }, nil
}
