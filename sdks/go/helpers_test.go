package tenlyr

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

func macOf(secret, message string) string {
	digest := hmac.New(sha256.New, []byte(secret))
	digest.Write([]byte(message))
	return hex.EncodeToString(digest.Sum(nil))
}
