package tenlyr

import (
	"hash/crc32"
	"strings"
)

// KeyKind is what an API key opens.
type KeyKind string

// The kinds of keys.
const (
	// AdminKey opens a whole workspace.
	AdminKey KeyKind = "admin"
	// TenantKey opens one tenant.
	TenantKey KeyKind = "tenant"
)

const (
	base62           = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	keyRandomLength  = 40
	keyChecksumChars = 6
)

// KindOf answers the kind of a well-formed key, and false for anything else. It asks nobody: a
// well-formed key may still be unknown, or revoked.
func KindOf(key string) (KeyKind, bool) {
	rest, live := strings.CutPrefix(key, "tenlyr_live_")
	if !live {
		var test bool
		if rest, test = strings.CutPrefix(key, "tenlyr_test_"); !test {
			return "", false
		}
	}
	kind := TenantKey
	if admin, ok := strings.CutPrefix(rest, "tf_"); ok {
		kind, rest = AdminKey, admin
	}
	if len(rest) != keyRandomLength+keyChecksumChars || !isBase62(rest) {
		return "", false
	}
	body, sum := key[:len(key)-keyChecksumChars], key[len(key)-keyChecksumChars:]
	return kind, sum == keyChecksum(body)
}

func isBase62(text string) bool {
	for _, character := range text {
		if !strings.ContainsRune(base62, character) {
			return false
		}
	}
	return true
}

// keyChecksum is the CRC-32 of a key's beginning in six base62 characters.
func keyChecksum(body string) string {
	sum := crc32.ChecksumIEEE([]byte(body))
	digits := make([]byte, keyChecksumChars)
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = base62[sum%62]
		sum /= 62
	}
	return string(digits)
}
