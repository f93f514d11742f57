package tenlyr

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

func TestSignatures(t *testing.T) {
	var vectors []struct {
		Name, Payload, Secret, Reason string
		Headers                       map[string]string
		Now, ToleranceS               int64
		Valid                         bool
	}
	readJSON(t, "signatures.json", &vectors)
	if len(vectors) == 0 {
		t.Fatal("no vectors")
	}
	for _, one := range vectors {
		t.Run(one.Name, func(t *testing.T) {
			header := http.Header{}
			for name, value := range one.Headers {
				header[name] = []string{value}
			}
			event, err := VerifyWebhook([]byte(one.Payload), header, one.Secret, WebhooksVerifyParams{
				Tolerance: time.Duration(one.ToleranceS) * time.Second,
				Now:       func() time.Time { return time.Unix(one.Now, 0) },
			})
			if one.Valid {
				if err != nil || event.Type != EventTenantSuspended {
					t.Fatalf("got %+v, %v", event, err)
				}
				return
			}
			var refused *WebhookVerificationError
			if !errors.As(err, &refused) || refused.Code != one.Reason || !errors.Is(err, ErrWebhook) {
				t.Fatalf("wanted %q, got %v", one.Reason, err)
			}
		})
	}
}

func TestAGenuineBodyThatIsNoEvent(t *testing.T) {
	header := http.Header{"Tenlyr-Signature": {
		"t=1,v1=" + macOf("whsec_c2VjcmV0", "1.[]"),
	}}
	_, err := New(Config{}).Webhooks.Verify([]byte("[]"), header, "whsec_c2VjcmV0",
		WebhooksVerifyParams{Now: func() time.Time { return time.Unix(1, 0) }})
	var refused *WebhookVerificationError
	if !errors.As(err, &refused) || refused.Code != "malformed" {
		t.Fatal(err)
	}
}
