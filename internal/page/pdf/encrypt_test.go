package pdf

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5" // what the format asks for
	"crypto/rc4" // what the format asks for
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// cipherOf encrypts a file by the standard security handler (ISO 32000-2 § 7.6.4).
type cipherOf struct {
	dictionary string
	id         []byte
	key        []byte
	aes, whole bool // aes: AES instead of RC4; whole: the same key, unchanged, for all objects
}

// padding fills up short passwords (§ 7.6.4.3.1).
const padding = "\x28\xBF\x4E\x5E\x4E\x75\x8A\x41\x64\x00\x4E\x56\xFF\xFA\x01\x08\x2E\x2E\x00\xB6\xD0\x68\x3E\x80\x2F\x0C\xA9\xFE\x64\x53\x69\x7A"

// newCipher makes a cipher for a file that opens with the password user. Its revision is 2 (RC4, 40 bits), 3 (RC4, 128 bits), 4 (AES, 128
// bits) or 6 (AES, 256 bits).
func newCipher(revision int, user string) *cipherOf {
	if revision == 6 {
		return newCipher256(user)
	}
	permissions := int32(-4)
	c := &cipherOf{id: []byte("0123456789abcdef"), aes: revision == 4}
	size := map[int]int{2: 5, 3: 16, 4: 16}[revision]
	rounds := func(hash [16]byte) []byte {
		for range 50 {
			if revision >= 3 {
				hash = md5.Sum(hash[:size])
			}
		}
		return hash[:size]
	}
	stretched := func(key, text []byte) []byte {
		last := byte(0)
		if revision >= 3 {
			last = 19
		}
		for i := byte(0); i <= last; i++ {
			turned := bytes.Clone(key)
			for k := range turned {
				turned[k] ^= i
			}
			text = withRC4(turned, text)
		}
		return text
	}
	padded := []byte((user + padding)[:32])
	owner := stretched(rounds(md5.Sum([]byte(("owner" + padding)[:32]))), padded)
	flags := binary.LittleEndian.AppendUint32(nil, uint32(permissions))
	c.key = rounds(md5.Sum(concat(padded, owner, flags, c.id)))
	check := stretched(c.key, []byte(padding))
	if revision >= 3 {
		sum := md5.Sum(append([]byte(padding), c.id...))
		check = append(stretched(c.key, sum[:]), make([]byte, 16)...)
	}
	how := map[int]string{2: "/V 1 /R 2", 3: "/V 2 /R 3 /Length 128",
		4: "/V 4 /R 4 /Length 128 /CF << /StdCF << /CFM /AESV2 /AuthEvent /DocOpen /Length 16 >> >> /StmF /StdCF /StrF /StdCF"}[revision]
	c.dictionary = fmt.Sprintf("<< /Filter /Standard %s /O <%x> /U <%x> /P %d >>", how, owner, check, permissions)
	return c
}

// newCipher256 makes a cipher of revision 6 (§ 7.6.4.4). Salts and keys are always the same, so that the tests are reproducible.
func newCipher256(user string) *cipherOf {
	c := &cipherOf{id: []byte("0123456789abcdef"), aes: true, whole: true, key: []byte("an encryption key of 32 bytes ok")}
	permissions := int32(-4)
	entry := func(password, salts string, known []byte) (check, wrapped []byte) {
		sum := hash2B([]byte(password), []byte(salts[:8]), known)
		check = append(sum, salts...)
		return check, withCBC(hash2B([]byte(password), []byte(salts[8:]), known), make([]byte, 16), c.key)
	}
	u, ue := entry(user, "saltsaltSALTSALT", nil)
	o, oe := entry("owner", "spiceoneSPICETWO", u)
	perms := binary.LittleEndian.AppendUint32(nil, uint32(permissions))
	perms = append(perms, "\xff\xff\xff\xffTadbabcd"...)
	block, _ := aes.NewCipher(c.key)
	block.Encrypt(perms, perms)
	c.dictionary = fmt.Sprintf("<< /Filter /Standard /V 5 /R 6 /Length 256 /CF << /StdCF << /CFM /AESV3 /AuthEvent /DocOpen /Length 32 >> >> /StmF /StdCF /StrF /StdCF "+
		"/O <%x> /U <%x> /OE <%x> /UE <%x> /Perms <%x> /P %d >>", o, u, oe, ue, perms, permissions)
	return c
}

// hash2B is algorithm 2.B of ISO 32000-2.
func hash2B(password, salt, known []byte) []byte {
	first := sha256.Sum256(concat(password, salt, known))
	k := first[:]
	for round := 0; ; round++ {
		e := withCBC(k[:16], k[16:32], bytes.Repeat(concat(password, k, known), 64))
		mod := 0
		for _, b := range e[:16] {
			mod += int(b)
		}
		switch mod % 3 {
		case 0:
			sum := sha256.Sum256(e)
			k = sum[:]
		case 1:
			sum := sha512.Sum384(e)
			k = sum[:]
		default:
			sum := sha512.Sum512(e)
			k = sum[:]
		}
		if round >= 63 && int(e[len(e)-1]) <= round-31 {
			return bytes.Clone(k[:32])
		}
	}
}

func concat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func withRC4(key, text []byte) []byte {
	c, _ := rc4.NewCipher(key)
	out := make([]byte, len(text))
	c.XORKeyStream(out, text)
	return out
}

func withCBC(key, iv, text []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	out := make([]byte, len(text))
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, text)
	return out
}

// encrypt encrypts the stream of object n (algorithm 1 and 1.A).
func (c *cipherOf) encrypt(n int, text []byte) []byte {
	key := c.key
	if !c.whole {
		parts := concat(key, []byte{byte(n), byte(n >> 8), byte(n >> 16), 0, 0})
		if c.aes {
			parts = append(parts, "sAlT"...)
		}
		sum := md5.Sum(parts)
		key = sum[:min(len(key)+5, 16)]
	}
	if !c.aes {
		return withRC4(key, text)
	}
	iv := []byte("initial vector 1")
	fill := 16 - len(text)%16
	return append(iv, withCBC(key, iv, append(bytes.Clone(text), bytes.Repeat([]byte{byte(fill)}, fill)...))...)
}

// TestEncrypted: a file that opens without a password is read, whatever its cipher. For a file that needs a password, the error is
// ErrPassword.
func TestEncrypted(t *testing.T) {
	t.Parallel()
	engine := NewEngine("")
	t.Cleanup(engine.Close)
	for name, revision := range map[string]int{"RC4-40": 2, "RC4-128": 3, "AES-128": 4, "AES-256": 6} {
		t.Run(name, func(t *testing.T) {
			const sentence = "The valve closes at 85 degrees."
			for _, user := range []string{"", "secret"} {
				body := newFile().page(at(72, 700, "/F1 12", 14, sentence)).bytes(newCipher(revision, user))
				if bytes.Contains(body, []byte("valve")) {
					t.Fatal("the test did not encrypt")
				}
				d, err := engine.Read(context.Background(), body)
				if user != "" {
					if !errors.Is(err, ErrPassword) {
						t.Errorf("with a password: %v, want %v", err, ErrPassword)
					}
					continue
				}
				if err != nil || len(d.Pages) != 1 || !strings.Contains(d.Pages[0].Text, sentence) {
					t.Errorf("%+v, %v", d.Pages, err)
				}
			}
		})
	}
}
