package main

import "errors"

// errDataDirInUse: two servers on one data directory would spoil it.
var errDataDirInUse = errors.New("another server runs on --data-dir")
