package pipeline

import (
	"os"
	"path/filepath"
	"testing"
)

// TestNewFile: a file into which nothing could be written is not left behind, and one is written by one recorder.
func TestNewFile(t *testing.T) {
	dir := t.TempDir()
	root, err := openFileRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.close()
	for name, data := range map[string]string{"empty": "", "full": "x"} {
		f, err := root.create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte(data), 0); err != nil {
			t.Fatal(err)
		}
		if _, err := root.create(name); err == nil {
			t.Errorf("%s was replaced while it was written", name)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(dir, name)); os.IsNotExist(err) != (data == "") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
