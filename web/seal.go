package web

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/belayhq/belay/core/fault"
)

// sealer makes values that only this site can make and read: AES-256-GCM, with the purpose as associated data, so
// that a value sealed for one purpose is worth nothing for another.
type sealer struct {
	box cipher.AEAD
	mac []byte
}

func newSealer(secret []byte) (sealer, error) {
	derive := func(info string) ([]byte, error) { return hkdf.Key(sha256.New, secret, nil, info, 32) }
	key, err := derive("belay web cookies")
	if err != nil {
		return sealer{}, fmt.Errorf("derive the cookie key: %w", err)
	}
	mac, err := derive("belay web form tokens")
	if err != nil {
		return sealer{}, fmt.Errorf("derive the form token key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, fmt.Errorf("cookie cipher: %w", err)
	}
	box, err := cipher.NewGCM(block)
	if err != nil {
		return sealer{}, fmt.Errorf("cookie cipher: %w", err)
	}
	return sealer{box: box, mac: mac}, nil
}

func (s sealer) seal(purpose string, value any) (string, error) {
	plain, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("seal %s: %w", purpose, err)
	}
	nonce := make([]byte, s.box.NonceSize())
	_, _ = rand.Read(nonce) // never fails, by its documentation
	return base64.RawURLEncoding.EncodeToString(s.box.Seal(nonce, nonce, plain, []byte(purpose))), nil
}

func (s sealer) open(purpose, sealed string, value any) error {
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || len(raw) < s.box.NonceSize() {
		return fault.New(fault.Unauthenticated, "this %s was not made here", purpose)
	}
	nonce, body := raw[:s.box.NonceSize()], raw[s.box.NonceSize():]
	plain, err := s.box.Open(nil, nonce, body, []byte(purpose))
	if err != nil {
		return fault.New(fault.Unauthenticated, "this %s was not made here", purpose)
	}
	if err := json.Unmarshal(plain, value); err != nil {
		return fault.Wrap(fault.Unauthenticated, err, "read this %s", purpose)
	}
	return nil
}

// token binds a form to the visit it was made for.
func (s sealer) token(visit string) string {
	m := hmac.New(sha256.New, s.mac)
	m.Write([]byte(visit))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func (s sealer) matches(visit, token string) bool {
	return visit != "" && hmac.Equal([]byte(s.token(visit)), []byte(token))
}
