package auth

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ImportMax is how many rows one file may have.
const ImportMax = 1000

// Errors of a file as a whole.
var (
	ErrImportHeader = errors.New("the first line must name the columns; name is needed; display name, role, password and language may follow")
	ErrImportFormat = errors.New("the file is not a CSV file in UTF-8")
	ErrImportLong   = fmt.Errorf("the file has more than %d rows", ImportMax)
	ErrImportEmpty  = errors.New("the file has no rows")
)

// ImportRow is what became of one row.
type ImportRow struct {
	Line     int
	Name     string
	Role     string
	Password string // only when it was generated; shown once
	Err      error  // nil: the account was made
}

// importColumns are the headings understood, in English and Indonesian.
var importColumns = map[string]string{
	"name": "name", "username": "name", "nama": "name", "nama pengguna": "name",
	"display name": "display", "displayname": "display", "full name": "display", "nama lengkap": "display", "nama tampilan": "display",
	"role": "role", "peran": "role",
	"password": "password", "sandi": "password", "kata sandi": "password",
	"language": "language", "bahasa": "language",
}

var importRoles = map[string]string{
	"": AccountStudent, "student": AccountStudent, "siswa": AccountStudent, "murid": AccountStudent,
	"teacher": AccountTeacher, "guru": AccountTeacher, "admin": AccountAdmin,
}

// ParseImport reads accounts from CSV with commas, semicolons or tabs, as
// spreadsheets save it. It does not look at the store.
func ParseImport(r io.Reader) ([]NewAccount, []int, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, nil, err
	}
	text := strings.TrimPrefix(string(raw), "\ufeff")
	if strings.ToValidUTF8(text, "") != text || strings.ContainsRune(text, 0) {
		return nil, nil, ErrImportFormat
	}
	first, _, _ := strings.Cut(text, "\n")
	cr := csv.NewReader(strings.NewReader(text))
	cr.Comma = separator(first)
	cr.FieldsPerRecord = -1
	cr.TrimLeadingSpace = true
	head, err := cr.Read()
	if err != nil {
		return nil, nil, ErrImportHeader
	}
	column := map[string]int{}
	for i, h := range head {
		if c, ok := importColumns[strings.ToLower(strings.TrimSpace(h))]; ok {
			column[c] = i
		}
	}
	if _, ok := column["name"]; !ok {
		return nil, nil, ErrImportHeader
	}
	return readImport(cr, column)
}

func readImport(cr *csv.Reader, column map[string]int) (accounts []NewAccount, lines []int, err error) {
	for {
		rec, err := cr.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, ErrImportFormat
		}
		cell := func(name string) string {
			if i, ok := column[name]; ok && i < len(rec) {
				return strings.TrimSpace(rec[i])
			}
			return ""
		}
		if strings.Join(rec, "") == "" {
			continue
		}
		if len(accounts) == ImportMax {
			return nil, nil, ErrImportLong
		}
		role, ok := importRoles[strings.ToLower(cell("role"))]
		if !ok {
			role = "?" // refused by check, in its row
		}
		line, _ := cr.FieldPos(0)
		accounts = append(accounts, NewAccount{Name: cell("name"), DisplayName: cell("display"), Role: role,
			Password: cell("password"), Language: strings.ToLower(cell("language"))})
		lines = append(lines, line)
	}
	if len(accounts) == 0 {
		return nil, nil, ErrImportEmpty
	}
	return accounts, lines, nil
}

func separator(line string) rune {
	best, count := ',', strings.Count(line, ",")
	for _, c := range []rune{';', '\t'} {
		if n := strings.Count(line, string(c)); n > count {
			best, count = c, n
		}
	}
	return best
}

// Import makes the accounts of a CSV file. A row that cannot be made is told
// in its place and does not stop the others; a name that is there already is
// left as it is, so a file may be sent again.
func (a *Accounts) Import(ctx context.Context, r io.Reader) ([]ImportRow, error) {
	accounts, lines, err := ParseImport(r)
	if err != nil {
		return nil, err
	}
	rows := make([]ImportRow, len(accounts))
	for i, n := range accounts {
		row := ImportRow{Line: lines[i], Name: cut(n.Name, 256), Role: n.Role}
		if n.Password == "" {
			n.Password = GeneratePassword()
			row.Password = n.Password
		}
		_, row.Err = a.Create(ctx, n)
		if row.Err != nil {
			row.Password = ""
		}
		rows[i] = row
		if ctx.Err() != nil {
			return rows[:i+1], ctx.Err()
		}
	}
	return rows, nil
}
