package app

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// certified writes a certificate of its own with this number, and its key.
func certified(t *testing.T, m MailIn, number int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	is := &x509.Certificate{SerialNumber: big.NewInt(number), DNSNames: []string{"alerts.example"}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0)}
	der, err := x509.CreateCertificate(rand.Reader, is, is, &key.PublicKey, key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(m.Certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(m.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
}

func TestACertificateOfMailIsRenewedWhileItServes(t *testing.T) {
	dir, log := t.TempDir(), &bytes.Buffer{}
	m := MailIn{Certificate: filepath.Join(dir, "chain.pem"), Key: filepath.Join(dir, "key.pem")}
	logs := slog.New(slog.NewTextHandler(log, nil))
	none, err := MailIn{}.tls(logs)
	require.NoError(t, err)
	require.Nil(t, none)
	_, err = m.tls(logs)
	require.ErrorContains(t, err, "BELAY_MAIL_IN_CERTIFICATE")
	_, err = MailIn{Key: m.Key}.tls(logs)
	require.ErrorContains(t, err, "go together")

	certified(t, m, 1)
	offered, err := m.tls(logs)
	require.NoError(t, err)
	serial := func() int64 {
		c, err := offered.GetCertificate(nil)
		require.NoError(t, err)
		leaf, err := x509.ParseCertificate(c.Certificate[0])
		require.NoError(t, err)
		return leaf.SerialNumber.Int64()
	}
	require.EqualValues(t, 1, serial())
	certified(t, m, 2)
	require.EqualValues(t, 2, serial())
	require.NoError(t, os.WriteFile(m.Key, []byte("half"), 0o600))
	require.EqualValues(t, 2, serial(), "the last one serves on")
	require.Contains(t, log.String(), "certificate of mail not read")
}
