package service

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/belayhq/belay/core/fault"
)

// Argon is how expensive a guess of a password is. Its zero value is the second recommendation of RFC 9106: 64 MiB,
// three passes, four lanes. It is safe for concurrent use.
type Argon struct {
	Memory uint32 // KiB
	Passes uint32
	Lanes  uint8

	once  sync.Once
	slots chan struct{}
}

const (
	saltBytes = 16
	hashBytes = 32
	// hashesAtOnce bounds the memory that strangers can make us take; others wait.
	hashesAtOnce = 2
	hashWaits    = 10 * time.Second
	shortestWord = 12      // characters of a password
	longestWord  = 1024    // bytes
	mostMemory   = 1 << 20 // KiB
	mostPasses   = 16
)

func (a *Argon) cost() (memory, passes uint32, lanes uint8) {
	if a.Memory == 0 {
		return 64 << 10, 3, 4
	}
	return a.Memory, a.Passes, a.Lanes
}

// Hash of a password in the PHC notation: "$argon2id$v=19$m=65536,t=3,p=4$salt$hash".
func (a *Argon) Hash(ctx context.Context, password string) (string, error) {
	if n := utf8.RuneCountInString(password); n < shortestWord {
		return "", fault.Field("password", "%d characters are wanted at least, these are %d", shortestWord, n)
	}
	if len(password) > longestWord {
		return "", fault.Field("password", "%d bytes are allowed", longestWord)
	}
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails, by its documentation
	memory, passes, lanes := a.cost()
	sum, err := a.sum(ctx, password, salt, memory, passes, lanes, hashBytes)
	if err != nil {
		return "", err
	}
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, lanes, encode(salt), encode(sum)), nil
}

// Matches compares in constant time. An empty hash matches nothing and takes as long to say so.
func (a *Argon) Matches(ctx context.Context, password, hash string) (bool, error) {
	memory, passes, lanes := a.cost()
	salt, want := make([]byte, saltBytes), make([]byte, hashBytes)
	if hash != "" {
		var err error
		if memory, passes, lanes, salt, want, err = readHash(hash); err != nil {
			return false, err
		}
	}
	if len(password) > longestWord {
		password = password[:longestWord+1] // no hash was made of so long a word
	}
	got, err := a.sum(ctx, password, salt, memory, passes, lanes, uint32(len(want)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && hash != "", nil
}

func readHash(hash string) (memory, passes uint32, lanes uint8, salt, sum []byte, err error) {
	var version int
	var rest string
	if _, err = fmt.Sscanf(hash, "$argon2id$v=%d$m=%d,t=%d,p=%d$%s", &version, &memory, &passes, &lanes, &rest); err != nil || version != argon2.Version {
		return 0, 0, 0, nil, nil, fault.New(fault.Internal, "a stored password is not in a notation that is known here")
	}
	salt, sum, err = splitHash(rest)
	if err != nil || memory == 0 || memory > mostMemory || passes == 0 || passes > mostPasses || lanes == 0 {
		return 0, 0, 0, nil, nil, fault.New(fault.Internal, "a stored password is damaged")
	}
	return memory, passes, lanes, salt, sum, nil
}

func splitHash(rest string) (salt, sum []byte, err error) {
	left, right, both := strings.Cut(rest, "$")
	if !both {
		return nil, nil, fault.New(fault.Internal, "it has no hash")
	}
	if salt, err = base64.RawStdEncoding.DecodeString(left); err != nil {
		return nil, nil, err
	}
	if sum, err = base64.RawStdEncoding.DecodeString(right); err != nil {
		return nil, nil, err
	}
	if len(sum) < saltBytes {
		return nil, nil, fault.New(fault.Internal, "its hash is too short")
	}
	return salt, sum, nil
}

func (a *Argon) sum(ctx context.Context, password string, salt []byte, memory, passes uint32, lanes uint8, length uint32) ([]byte, error) {
	a.once.Do(func() { a.slots = make(chan struct{}, hashesAtOnce) })
	ctx, cancel := context.WithTimeout(ctx, hashWaits)
	defer cancel()
	select {
	case a.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fault.Later(hashWaits, "too many people sign in at once")
	}
	defer func() { <-a.slots }()
	return argon2.IDKey([]byte(password), salt, passes, memory, lanes, length), nil
}
