package tenlyr

import (
	"strings"
	"testing"
)

func TestKeys(t *testing.T) {
	var file struct {
		WellFormed []string `json:"wellFormed"`
		Malformed  []struct{ Key, Reason string }
	}
	readJSON(t, "keys.json", &file)
	if len(file.WellFormed) == 0 || len(file.Malformed) == 0 {
		t.Fatal("no keys to look at")
	}
	for _, key := range file.WellFormed {
		wanted := TenantKey
		if strings.Contains(key, "_tf_") {
			wanted = AdminKey
		}
		if kind, ok := KindOf(key); !ok || kind != wanted {
			t.Errorf("%s is a %s key, got %q, %v", key, wanted, kind, ok)
		}
	}
	for _, one := range file.Malformed {
		if _, ok := KindOf(one.Key); ok {
			t.Errorf("taken: %s (%q)", one.Reason, one.Key)
		}
	}
}
