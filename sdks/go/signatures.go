package tenlyr

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// DefaultTolerance is how far a webhook's time may be from now.
const DefaultTolerance = 300 * time.Second

// WebhooksVerifyParams is how a webhook is verified.
type WebhooksVerifyParams struct {
	// Tolerance is how far its time may be from now, either way: DefaultTolerance.
	Tolerance time.Duration
	// Now is the clock: time.Now.
	Now func() time.Time
}

// signed is what a signature covers: when, and one or more proofs.
type signed struct {
	at      int64
	proofs  []string
	message string
	key     []byte
	encode  func([]byte) string
}

// VerifyWebhook answers the event of a webhook that came from Tenlyr, now. It takes the body as it
// came, before anything parses it, and the request's headers: Tenlyr-Signature, or the trio of
// Standard Webhooks. The error is a WebhookVerificationError whose Code is missing, malformed,
// too_old, too_new or signature.
func VerifyWebhook(
	payload []byte, header http.Header, secret string, params WebhooksVerifyParams,
) (*Event, error) {
	if params.Tolerance == 0 {
		params.Tolerance = DefaultTolerance
	}
	if params.Now == nil {
		params.Now = time.Now
	}
	claim, err := claimOf(header, secret)
	if err != nil {
		return nil, err
	}
	if err := claim.check(payload, params); err != nil {
		return nil, err
	}
	event := new(Event)
	if err := json.Unmarshal(payload, event); err != nil {
		return nil, unverified("malformed", "the webhook's body is no event", err)
	}
	return event, nil
}

// Verify is VerifyWebhook.
func (s *WebhooksService) Verify(
	payload []byte, header http.Header, secret string, params WebhooksVerifyParams,
) (*Event, error) {
	return VerifyWebhook(payload, header, secret, params)
}

func unverified(code, message string, cause error) error {
	return &WebhookVerificationError{&Error{
		Message: message, Code: code, kind: ErrWebhook, cause: cause,
	}}
}

// claimOf reads what the headers say of who sent the webhook, and when.
func claimOf(header http.Header, secret string) (*signed, error) {
	if value, ok := lookUp(header, "Tenlyr-Signature", ","); ok {
		return ownClaim(value, secret)
	}
	id, hasID := lookUp(header, "webhook-id", " ")
	at, hasTime := lookUp(header, "webhook-timestamp", " ")
	proofs, hasProofs := lookUp(header, "webhook-signature", " ")
	if !hasID || !hasTime || !hasProofs {
		return nil, unverified("missing", "the webhook's headers have no signature", nil)
	}
	return standardClaim(id, at, proofs, secret)
}

// lookUp finds a header whatever its case: not everybody hands on canonical names.
func lookUp(header http.Header, name, joint string) (string, bool) {
	for key, values := range header {
		if strings.EqualFold(key, name) {
			return strings.Join(values, joint), true
		}
	}
	return "", false
}

// ownClaim reads `t=…,v1=…[,v1=…]`, keyed with the secret as it stands.
func ownClaim(value, secret string) (*signed, error) {
	var times, proofs []string
	for _, part := range strings.Split(value, ",") {
		switch name, content, _ := strings.Cut(strings.TrimSpace(part), "="); name {
		case "t":
			times = append(times, content)
		case "v1":
			proofs = append(proofs, content)
		}
	}
	if len(times) != 1 || len(proofs) == 0 {
		return nil, unverified("malformed", "Tenlyr-Signature is malformed", nil)
	}
	at, err := secondsOf(times[0])
	if err != nil {
		return nil, err
	}
	return &signed{at, proofs, times[0] + ".", []byte(secret), hex.EncodeToString}, nil
}

// standardClaim reads `v1,… v1,…`, keyed with the bytes that the secret encodes.
func standardClaim(id, when, value, secret string) (*signed, error) {
	var proofs []string
	for _, part := range strings.Fields(value) {
		if proof, ok := strings.CutPrefix(part, "v1,"); ok {
			proofs = append(proofs, proof)
		}
	}
	if len(proofs) == 0 {
		return nil, unverified("malformed", "webhook-signature is malformed", nil)
	}
	at, err := secondsOf(when)
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		// Not the cause: it would tell where in the secret the wrong letter is.
		return nil, unverified("malformed", "the webhook's secret is not base64", nil)
	}
	return &signed{at, proofs, id + "." + when + ".", key, base64.StdEncoding.EncodeToString}, nil
}

func secondsOf(text string) (int64, error) {
	at, err := strconv.ParseUint(text, 10, 62)
	if err != nil {
		return 0, unverified("malformed", "the webhook's time is malformed", err)
	}
	return int64(at), nil
}

func (s *signed) check(payload []byte, params WebhooksVerifyParams) error {
	now, tolerance := params.Now().Unix(), int64(params.Tolerance/time.Second)
	if s.at < now-tolerance {
		return unverified("too_old", "the webhook is too old", nil)
	}
	if s.at > now+tolerance {
		return unverified("too_new", "the webhook's time has not come", nil)
	}
	digest := hmac.New(sha256.New, s.key)
	digest.Write([]byte(s.message))
	digest.Write(payload)
	wanted := []byte(s.encode(digest.Sum(nil)))
	fits := false
	for _, proof := range s.proofs {
		fits = hmac.Equal(wanted, []byte(proof)) || fits
	}
	if !fits {
		return unverified("signature", "the webhook's signature does not fit", nil)
	}
	return nil
}
