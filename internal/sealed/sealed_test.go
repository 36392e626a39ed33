package sealed_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"legwork/internal/sealed"
)

const (
	first  = "first-key-0123456789abcdefghijklmnop"
	second = "second-key-0123456789abcdefghijklmno"
)

func keys(t testing.TB, text string) *sealed.Keys {
	t.Helper()
	k, err := sealed.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	k := keys(t, first)
	box, err := k.Seal([]byte("hunter2"), "webhook:1")
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := k.Seal([]byte("hunter2"), "webhook:1"); bytes.Equal(box, again) || bytes.Contains(box, []byte("hunter2")) {
		t.Error("boxes are equal, or show the secret")
	}
	if got, err := k.Open(box, "webhook:1"); err != nil || string(got) != "hunter2" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := k.Open(box, "webhook:2"); !errors.Is(err, sealed.ErrDamaged) {
		t.Errorf("in another context: %v", err)
	}
	if _, err := keys(t, second).Open(box, "webhook:1"); !errors.Is(err, sealed.ErrUnknownKey) {
		t.Errorf("with another key: %v", err)
	}
	if _, err := keys(t, "").Open(box, "webhook:1"); !errors.Is(err, sealed.ErrUnknownKey) {
		t.Errorf("without keys: %v", err)
	}
	for i := range box {
		changed := bytes.Clone(box)
		changed[i] ^= 1
		if _, err := k.Open(changed, "webhook:1"); err == nil {
			t.Errorf("byte %d may be changed", i)
		}
		if _, err := k.Open(box[:i], "webhook:1"); err == nil {
			t.Errorf("the first %d bytes open", i)
		}
	}
}

// TestRotation replaces a key in three steps, and checks that every box can be opened after each step.
func TestRotation(t *testing.T) {
	t.Parallel()
	old, both, after := keys(t, first), keys(t, second+","+first), keys(t, second)
	box, err := old.Seal([]byte("x"), "c")
	if err != nil {
		t.Fatal(err)
	}
	if old.Stale(box) || !both.Stale(box) {
		t.Error("stale is wrong")
	}
	moved, err := both.Reseal(box, "c")
	if err != nil || both.Stale(moved) {
		t.Fatalf("stale after Reseal, %v", err)
	}
	if same, err := both.Reseal(moved, "c"); err != nil || !bytes.Equal(same, moved) {
		t.Errorf("a box of the first key is sealed again, %v", err)
	}
	for _, k := range []*sealed.Keys{both, after} {
		if got, err := k.Open(moved, "c"); err != nil || string(got) != "x" {
			t.Errorf("%q, %v", got, err)
		}
	}
	if _, err := both.Reseal(box, "d"); err == nil {
		t.Error("a box is sealed again in another context")
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", " ,\n"} {
		if k := keys(t, text); k.Ready() {
			t.Errorf("%q is a key", text)
		}
	}
	if _, err := keys(t, "").Seal([]byte("x"), "c"); err == nil || !strings.Contains(err.Error(), "LEGWORK_SECRET_KEY") {
		t.Errorf("sealed without a key: %v", err)
	}
	if _, err := sealed.Parse(first + ",short-secret"); err == nil || strings.Contains(err.Error(), "short-secret") || !strings.Contains(err.Error(), "key 2") {
		t.Errorf("a short key: %v", err)
	}
	k := keys(t, first+"\n"+second+"\n")
	if got := fmt.Sprintf("%v %+v %#v %s %d", k, k, k, k, k); got != strings.Repeat("2 keys ", 4)+"2 keys" {
		t.Errorf("printed as %s", got)
	}
}

// FuzzOpen opens any bytes. Only one box is known to the fuzzer, which was sealed once for this test, so nothing else may open.
func FuzzOpen(f *testing.F) {
	k := keys(f, first)
	box, err := hex.DecodeString("017265384595fa9d38ea152d0186df779e40f86041906dfd21e9fab82b1ef44cf63722e115e6e4d6de3fe0ebac39")
	if err != nil {
		f.Fatal(err)
	}
	if secret, err := k.Open(box, "c"); err != nil || string(secret) != "x" {
		f.Fatalf("the box opens as %q: %v", secret, err)
	}
	f.Add(box)
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if secret, err := k.Open(b, "c"); err == nil && !bytes.Equal(b, box) {
			t.Errorf("%x opens as %q", b, secret)
		}
	})
}
