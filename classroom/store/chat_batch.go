package store

import (
	"fmt"

	"kelas/classroom"
)

// sameEntry reports whether stored is e to the letter, as far as that can
// still be told: a deletion may have blanked stored since e was written.
func sameEntry(stored, e classroom.ChatEntry) bool {
	stored.At, e.At = storedTime(stored.At), storedTime(e.At)
	if stored.Deleted {
		stored.Text, stored.Deleted = "", false
		e.Text, e.Deleted = "", false
	}
	return stored == e
}

// oneClass returns the class that all entries are of.
func oneClass(entries []classroom.ChatEntry) (string, error) {
	for _, e := range entries {
		if e.ClassID != entries[0].ClassID {
			return "", errMixedClasses
		}
		if e.Seq < 1 {
			return "", fmt.Errorf("the entry's number is %d; the first is 1", e.Seq)
		}
	}
	return entries[0].ClassID, nil
}
