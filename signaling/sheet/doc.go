// Package sheet writes tables that spreadsheets open: CSV of RFC 4180 in
// UTF-8 with a mark at its start, whose cells are text and never formulas.
// It keeps no state beyond its writer and has no locks.
package sheet
