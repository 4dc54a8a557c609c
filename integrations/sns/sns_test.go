package sns_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/integrations/sns"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	certificateURL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-f00d.pem"
	subscribeURL   = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-west-1:1:pages&Token=t"
)

var now = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// amazon signs as SNS does, and writes down what it is asked for.
type amazon struct {
	key   *rsa.PrivateKey
	pem   []byte
	asked []string
	away  bool
}

func newAmazon(t *testing.T) *amazon {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(48 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	return &amazon{key: key, pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

func (a *amazon) Get(_ context.Context, address string) ([]byte, error) {
	a.asked = append(a.asked, address)
	if a.away {
		return nil, fault.New(fault.Unavailable, "no answer")
	}
	return a.pem, nil
}

// says is a signed message; the fields come in the order in which they are signed.
func (a *amazon) says(t *testing.T, version string, fields ...string) map[string]string {
	t.Helper()
	text, message := "", map[string]string{"SignatureVersion": version, "SigningCertURL": certificateURL}
	for n := 0; n < len(fields); n += 2 {
		text += fields[n] + "\n" + fields[n+1] + "\n"
		message[fields[n]] = fields[n+1]
	}
	hash, sum := crypto.SHA1, sha1Of(text)
	if version == "2" {
		whole := sha256.Sum256([]byte(text))
		hash, sum = crypto.SHA256, whole[:]
	}
	signature, err := rsa.SignPKCS1v15(rand.Reader, a.key, hash, sum)
	require.NoError(t, err)
	message["Signature"] = base64.StdEncoding.EncodeToString(signature)
	return message
}

func sha1Of(text string) []byte {
	sum := sha1.Sum([]byte(text))
	return sum[:]
}

func (a *amazon) alarm(t *testing.T, version string) map[string]string {
	return a.says(t, version, "Message", `{"AlarmName":"disk","NewStateValue":"ALARM"}`, "MessageId", "m-1", "Subject", "ALARM: \"disk\" ", "Timestamp", "2026-03-04T11:59:58.000Z",
		"TopicArn", "arn:aws:sns:eu-west-1:1:pages", "Type", "Notification")
}

func (a *amazon) invitation(t *testing.T, address string) map[string]string {
	return a.says(t, "1", "Message", "You have chosen to subscribe", "MessageId", "m-2", "SubscribeURL", address, "Timestamp", "2026-03-04T11:59:58.000Z",
		"Token", "t", "TopicArn", "arn:aws:sns:eu-west-1:1:pages", "Type", "SubscriptionConfirmation")
}

func greet(t *testing.T, d alert.Dialect, message any) error {
	t.Helper()
	body, err := json.Marshal(message)
	require.NoError(t, err)
	return d.Greet(t.Context(), alert.Post{Body: body, At: now})
}

func TestASignatureOfSNSIsBelieved(t *testing.T) {
	a := newAmazon(t)
	d := sns.Dialect(a)
	require.NoError(t, greet(t, d, a.alarm(t, "1")))
	require.NoError(t, greet(t, d, a.alarm(t, "2")))
	require.Equal(t, []string{certificateURL}, a.asked, "the certificate is fetched once")
}

// Amazon signs everybody's messages alike.
func TestOnlyTheTopicsOfAnIntegrationAreHeard(t *testing.T) {
	amazon := newAmazon(t)
	d := sns.Dialect(amazon)
	body, err := json.Marshal(amazon.alarm(t, "2"))
	require.NoError(t, err)
	var said struct{ TopicArn string }
	require.NoError(t, json.Unmarshal(body, &said))
	require.NotEmpty(t, said.TopicArn)
	hears := func(topics ...string) error { return d.Permit(org.Integration{Topics: topics}, alert.Post{Body: body}) }
	require.NoError(t, hears())
	require.NoError(t, hears("arn:aws:sns:eu-west-1:1:other", said.TopicArn))
	refused := hears("arn:aws:sns:eu-west-1:1:other")
	require.True(t, fault.Is(refused, fault.Denied), "%v", refused)
	require.ErrorContains(t, refused, "TopicArn")
	require.True(t, fault.Is(d.Permit(org.Integration{Topics: []string{"x"}}, alert.Post{Body: []byte("?")}), fault.Invalid))
}

func TestNothingElseIs(t *testing.T) {
	a := newAmazon(t)
	for name, change := range map[string]func(map[string]string){
		"other words":         func(m map[string]string) { m["Message"] = `{"AlarmName":"x","NewStateValue":"OK"}` },
		"other subject":       func(m map[string]string) { m["Subject"] = "x" },
		"subject taken away":  func(m map[string]string) { delete(m, "Subject") },
		"other topic":         func(m map[string]string) { m["TopicArn"] = "arn:aws:sns:eu-west-1:1:other" },
		"other type":          func(m map[string]string) { m["Type"] = "SubscriptionConfirmation" },
		"no signature":        func(m map[string]string) { delete(m, "Signature") },
		"no base64":           func(m map[string]string) { m["Signature"] = "%%%" },
		"version 3":           func(m map[string]string) { m["SignatureVersion"] = "3" },
		"the other version":   func(m map[string]string) { m["SignatureVersion"] = "2" },
		"yesterday's":         func(m map[string]string) { m["Timestamp"] = "2026-03-03T11:00:00.000Z" },
		"no time":             func(m map[string]string) { delete(m, "Timestamp") },
		"not https":           func(m map[string]string) { m["SigningCertURL"] = "http://sns.eu-west-1.amazonaws.com/x.pem" },
		"another host":        func(m map[string]string) { m["SigningCertURL"] = "https://example.com/x.pem" },
		"a host that ends so": func(m map[string]string) { m["SigningCertURL"] = "https://evilsns.eu-west-1.amazonaws.com/x.pem" },
		"a host that begins so": func(m map[string]string) {
			m["SigningCertURL"] = "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem"
		},
		"a bucket":          func(m map[string]string) { m["SigningCertURL"] = "https://s3.eu-west-1.amazonaws.com/evil/x.pem" },
		"a bucket in front": func(m map[string]string) { m["SigningCertURL"] = "https://sns.evil.s3.amazonaws.com/x.pem" },
		"a user": func(m map[string]string) {
			m["SigningCertURL"] = "https://sns.eu-west-1.amazonaws.com@evil.example/x.pem"
		},
		"a port": func(m map[string]string) { m["SigningCertURL"] = "https://sns.eu-west-1.amazonaws.com:8443/x.pem" },
		"what the API answers": func(m map[string]string) {
			m["SigningCertURL"] = "https://sns.eu-west-1.amazonaws.com/?Action=GetTopicAttributes&TopicArn=arn:aws:sns:eu-west-1:666:evil&X-Amz-Signature=x.pem"
		},
		"what the API answers below the right path": func(m map[string]string) {
			m["SigningCertURL"] = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-f00d.pem?Action=GetTopicAttributes&x=.pem"
		},
		"no certificate": func(m map[string]string) { m["SigningCertURL"] = "https://sns.eu-west-1.amazonaws.com/x.txt" },
		"a line break in it": func(m map[string]string) {
			m["SigningCertURL"] = "https://sns.eu-west-1.amazonaws.com\n.evil.example/x.pem"
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := a.alarm(t, "1")
			change(m)
			require.True(t, fault.Is(greet(t, sns.Dialect(a), m), fault.Unauthenticated))
		})
	}
	for _, address := range a.asked {
		require.Equal(t, certificateURL, address, "nobody else is asked")
	}
	require.True(t, fault.Is(greet(t, sns.Dialect(a), map[string]string{"AlarmName": "raw", "NewStateValue": "ALARM"}), fault.Unauthenticated))
}

func TestASubscriptionIsConfirmedWhenSNSAsks(t *testing.T) {
	a := newAmazon(t)
	d := sns.Dialect(a)
	require.NoError(t, greet(t, d, a.invitation(t, subscribeURL)))
	require.Equal(t, []string{certificateURL, subscribeURL}, a.asked)

	a.asked = nil
	require.True(t, fault.Is(greet(t, d, a.invitation(t, "https://169.254.169.254/latest")), fault.Unauthenticated), "signed, and still no address of SNS")
	forged := a.invitation(t, subscribeURL)
	forged["Token"] = "another"
	require.True(t, fault.Is(greet(t, d, forged), fault.Unauthenticated))
	require.Empty(t, a.asked)

	body, err := json.Marshal(a.invitation(t, subscribeURL))
	require.NoError(t, err)
	said, err := d.Decode(alert.Post{Body: body})
	require.NoError(t, err)
	require.Equal(t, alert.Ignore, said[0].Action)
}

func TestAnAmazonThatIsAwayIsAskedAgain(t *testing.T) {
	a := newAmazon(t)
	d := sns.Dialect(a)
	a.away = true
	require.True(t, fault.Is(greet(t, d, a.alarm(t, "1")), fault.Unavailable), "SNS comes again")
	a.away = false
	require.NoError(t, greet(t, d, a.alarm(t, "1")))
	a.away = true
	require.NoError(t, greet(t, d, a.alarm(t, "1")))
	require.True(t, fault.Is(greet(t, d, a.invitation(t, subscribeURL)), fault.Unavailable))
}

func TestACertificateThatIsOverIsNotBelieved(t *testing.T) {
	a := newAmazon(t)
	d := sns.Dialect(a)
	m := a.says(t, "1", "Message", "x", "MessageId", "m", "Timestamp", "2026-03-07T12:00:00.000Z", "TopicArn", "arn:aws:sns:eu-west-1:1:pages", "Type", "Notification")
	body, err := json.Marshal(m)
	require.NoError(t, err)
	require.True(t, fault.Is(d.Greet(t.Context(), alert.Post{Body: body, At: now.Add(72 * time.Hour)}), fault.Unauthenticated))
}

func TestStatesOfCloudWatch(t *testing.T) {
	say := func(inner string) alert.Alert {
		body, err := json.Marshal(map[string]string{"Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:1:pages", "Message": inner, "Timestamp": "2026-03-04T11:59:58.000Z"})
		require.NoError(t, err)
		all, err := sns.Decode(alert.Post{Body: body})
		require.NoError(t, err)
		return all[0]
	}
	for state, want := range map[string]alert.Action{"ALARM": alert.Trigger, "OK": alert.Resolve, "INSUFFICIENT_DATA": alert.Trigger} {
		a := say(`{"AlarmName":"disk","AWSAccountId":"1","Region":"EU","NewStateValue":"` + state + `"}`)
		require.Equal(t, want, a.Action, state)
		require.Equal(t, "cloudwatch/1/EU/disk", a.DedupKey)
		require.Equal(t, strings.HasPrefix(a.Title, "no data"), state == "INSUFFICIENT_DATA")
	}
	bridge := say(`{"detail-type":"CloudWatch Alarm State Change","source":"aws.cloudwatch","account":"1","region":"eu-west-1","time":"2026-03-04T11:59:00Z",
		"resources":["arn:aws:cloudwatch:eu-west-1:1:alarm:disk"],"detail":{"alarmName":"disk","state":{"value":"OK","reason":"below"}}}`)
	require.Equal(t, alert.Resolve, bridge.Action)
	require.Equal(t, "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/disk", bridge.Links[0].Href)
	words := say("the nightly job did not run\nsee the log")
	require.Equal(t, "the nightly job did not run", words.Title)
	require.Equal(t, "pages", words.Source)
}
