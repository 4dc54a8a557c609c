package durable

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"
)

// Key encrypts payloads with AES-256-GCM. Its ID travels with what it encrypted, so that keys can be changed.
type Key struct {
	ID     string
	Secret []byte // 32 bytes
}

// ParseKeys reads "id:base64,id:base64". The first key encrypts; the others only decrypt what they encrypted earlier.
func ParseKeys(text string) ([]Key, error) {
	var keys []Key
	seen := map[string]bool{}
	for i, part := range strings.Split(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		name, encoded, found := strings.Cut(part, ":")
		if !found || name == "" {
			return nil, fmt.Errorf("codec key %d: want id:base64", i+1)
		}
		secret, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return nil, fmt.Errorf("codec key %q: not base64", name)
		}
		if len(secret) != 32 {
			return nil, fmt.Errorf("codec key %q: want 32 bytes, got %d", name, len(secret))
		}
		if seen[name] {
			return nil, fmt.Errorf("codec key %q stands there twice", name)
		}
		seen[name] = true
		keys = append(keys, Key{ID: name, Secret: secret})
	}
	return keys, nil
}

const (
	encodingEncrypted = "binary/encrypted"
	metadataKeyID     = "encryption-key-id"
)

// converters compress and then encrypt payloads, and hide messages and stack traces of failures in one of them.
func converters(keys []Key) (converter.DataConverter, converter.FailureConverter, error) {
	vault, err := newVault(keys)
	if err != nil {
		return nil, nil, err
	}
	// Codecs are applied last to first: what is encrypted no longer compresses.
	data := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), vault, converter.NewZlibCodec(converter.ZlibCodecOptions{}))
	failures := temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter:          data,
		EncodeCommonAttributes: true,
	})
	return data, failures, nil
}

// vault is the codec.
type vault struct {
	current string
	seals   map[string]cipher.AEAD
}

func newVault(keys []Key) (vault, error) {
	v := vault{current: keys[0].ID, seals: make(map[string]cipher.AEAD, len(keys))}
	for _, key := range keys {
		block, err := aes.NewCipher(key.Secret)
		if err != nil {
			return vault{}, fmt.Errorf("codec key %q: %w", key.ID, err)
		}
		if v.seals[key.ID], err = cipher.NewGCM(block); err != nil {
			return vault{}, fmt.Errorf("codec key %q: %w", key.ID, err)
		}
	}
	return v, nil
}

// Encode encrypts whole payloads, their metadata included.
func (v vault) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	sealed := make([]*commonpb.Payload, len(payloads))
	for i, payload := range payloads {
		plain, err := proto.Marshal(payload)
		if err != nil {
			return nil, fmt.Errorf("encrypt payload: %w", err)
		}
		seal := v.seals[v.current]
		nonce := make([]byte, seal.NonceSize())
		if _, err := rand.Read(nonce); err != nil {
			return nil, fmt.Errorf("encrypt payload: %w", err)
		}
		sealed[i] = &commonpb.Payload{
			Metadata: map[string][]byte{
				converter.MetadataEncoding: []byte(encodingEncrypted),
				metadataKeyID:              []byte(v.current),
			},
			Data: seal.Seal(nonce, nonce, plain, []byte(v.current)),
		}
	}
	return sealed, nil
}

// Decode leaves alone what is not encrypted: runs that began before the keys came must go on.
func (v vault) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	opened := make([]*commonpb.Payload, len(payloads))
	for i, payload := range payloads {
		if string(payload.GetMetadata()[converter.MetadataEncoding]) != encodingEncrypted {
			opened[i] = payload
			continue
		}
		plain, err := v.open(payload)
		if err != nil {
			return nil, err
		}
		opened[i] = &commonpb.Payload{}
		if err := proto.Unmarshal(plain, opened[i]); err != nil {
			return nil, fmt.Errorf("decrypt payload: %w", err)
		}
	}
	return opened, nil
}

func (v vault) open(payload *commonpb.Payload) ([]byte, error) {
	name := string(payload.GetMetadata()[metadataKeyID])
	seal, known := v.seals[name]
	if !known {
		return nil, fmt.Errorf("decrypt payload: key %q is not among BELAY_CODEC_KEYS", name)
	}
	if len(payload.Data) < seal.NonceSize() {
		return nil, fmt.Errorf("decrypt payload: %d bytes are too few", len(payload.Data))
	}
	nonce, text := payload.Data[:seal.NonceSize()], payload.Data[seal.NonceSize():]
	plain, err := seal.Open(nil, nonce, text, []byte(name))
	if err != nil {
		return nil, fmt.Errorf("decrypt payload with key %q: %w", name, err)
	}
	return plain, nil
}
