package store

func writeAsChild() bool { return false }
