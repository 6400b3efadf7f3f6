// Package estimate says how much the way to one viewer carries, from what the viewer's browser reports: when
// each packet arrived (transport-wide congestion control), how many were lost, and, where there is no more, a bare
// figure (REMB, receiver reports).
//
// It owns the memory of what was sent and when. It never sends, never sleeps, knows no packets' contents, starts no
// goroutine and takes no lock: whoever owns a Line calls it from one goroutine at a time and hands the time in.
package estimate
