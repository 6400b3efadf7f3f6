// Package main introduces the rooms of Kelas to each other: it reads the
// configuration (defaults, then the file, then the environment, then flags),
// opens the store, starts the media server, the classes and the doors, and
// closes them in the opposite order. No rule of a class and no word of a
// protocol lives here.
package main
