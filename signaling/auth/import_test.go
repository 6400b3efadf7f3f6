package auth

import (
	"errors"
	"strings"
	"testing"
)

func TestImport(t *testing.T) {
	h := newHouse(t, Config{})
	h.add(t, "ibu.sari", AccountTeacher)
	file := "\ufeffNama;Nama Lengkap;Peran;Kata Sandi;Bahasa\r\n" +
		"rina;\"Rina \"\"R\"\" S\";siswa;;id\r\n" +
		"\r\n" +
		"pak.joko;;guru;kelas sembilan bersama;\r\n" +
		"Ibu.Sari;;siswa;;\r\n" +
		"bos;;raja;;\r\n" +
		"tono;;siswa;pendek;\r\n" +
		";;siswa;;\r\n"
	rows, err := h.Import(t.Context(), strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		name string
		err  error
	}{{"rina", nil}, {"pak.joko", nil}, {"Ibu.Sari", ErrNameTaken}, {"bos", ErrRoleInvalid}, {"tono", ErrPasswordShort}, {"", ErrNameInvalid}}
	if len(rows) != len(want) {
		t.Fatalf("%d rows", len(rows))
	}
	for i, w := range want {
		if rows[i].Name != w.name || !errors.Is(rows[i].Err, w.err) {
			t.Errorf("row %d: %+v", i, rows[i])
		}
	}
	if rows[0].Line != 2 || rows[1].Line != 4 {
		t.Errorf("lines %d, %d", rows[0].Line, rows[1].Line)
	}
	if rows[0].Password == "" || rows[1].Password != "" || rows[2].Password != "" {
		t.Error("only a password that was made is shown")
	}
	if err := h.try(t, "rina", rows[0].Password, "192.0.2.1", ""); err != nil {
		t.Error("the password that was made does not work:", err)
	}
	if a, err := h.ByName(t.Context(), "rina"); err != nil || a.DisplayName != `Rina "R" S` || a.Role != AccountStudent || a.Language != "id" {
		t.Errorf("%+v %v", a, err)
	}
}

func TestImportRefusesWholeFiles(t *testing.T) {
	for file, want := range map[string]error{
		"": ErrImportHeader, "\n": ErrImportHeader, "role,password\nstudent,x\n": ErrImportHeader,
		"name\n": ErrImportEmpty, "name\n\"open": ErrImportFormat, "name\n\xff\xfe\n": ErrImportFormat, "name\na\x00\n": ErrImportFormat,
		"name\n" + strings.Repeat("x\n", ImportMax+1): ErrImportLong,
	} {
		if _, _, err := ParseImport(strings.NewReader(file)); !errors.Is(err, want) {
			t.Errorf("%.20q: %v, want %v", file, err, want)
		}
	}
}

func FuzzParseImport(f *testing.F) {
	f.Add("name,role\nbudi,student\n")
	f.Add("Nama;Peran\r\nbudi;siswa\r\n")
	f.Add("name\tpassword\n\"a\"\"b\"\t\"x\ny\"\n")
	f.Fuzz(func(t *testing.T, file string) {
		accounts, lines, err := ParseImport(strings.NewReader(file))
		if err != nil {
			return
		}
		if len(accounts) == 0 || len(accounts) > ImportMax || len(lines) != len(accounts) {
			t.Fatal(len(accounts), len(lines))
		}
		last := 1
		for _, l := range lines {
			if l <= last {
				t.Fatalf("line %d after %d", l, last)
			}
			last = l
		}
	})
}
