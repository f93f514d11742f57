package tenlyr_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	tenlyr "github.com/tenlyr/tenlyr-go"
)

const (
	exampleKey    = "tenlyr_live_tf_ConformanceAdmin0ConformanceAdmin0Confor1q4ykj"
	tenantKey     = "tenlyr_live_ConformanceTenant1ConformanceTenant1Conf2zXRzE"
	exampleSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

// The examples are written as a reader would: with the real address, and keys of the environment.
func TestMain(m *testing.M) {
	for name, value := range map[string]string{
		"TENLYR_ADMIN_KEY": exampleKey, "TENLYR_WEBHOOK_SECRET": exampleSecret,
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	http.DefaultTransport = inProcess{http.DefaultTransport}
	os.Exit(m.Run())
}

// inProcess answers for api.tenlyr.app, so that the examples need no network.
type inProcess struct{ others http.RoundTripper }

func (p inProcess) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Host != "api.tenlyr.app" {
		return p.others.RoundTrip(request)
	}
	answer := httptest.NewRecorder()
	status, body := canned(request)
	answer.WriteHeader(status)
	_, err := io.WriteString(answer, body)
	return answer.Result(), err
}

func canned(request *http.Request) (int, string) {
	switch request.Method + " " + strings.TrimPrefix(request.URL.Path, "/api/v1/") {
	case "POST tenants":
		return 201, `{"tenant": {"name": "Acme Corp"}, "apiKey": "` + tenantKey + `"}`
	case "POST usage/track":
		return 201, `{"id": "e1"}`
	case "POST usage/track/batch":
		return 200, `{"accepted": 1, "results": [{"index": 0, "status": 201}]}`
	case "GET tenants":
		if request.URL.Query().Get("cursor") == "" {
			return 200, `{"data": [{"name": "Acme Corp"}], "nextCursor": "2"}`
		}
		return 200, `{"data": [{"name": "Globex"}], "nextCursor": null}`
	case "POST isolation/migrate":
		return 201, `{"id": "m1", "status": "pending"}`
	case "GET isolation/migrations/m1":
		return 200, `{"id": "m1", "status": "completed", "toLevel": "dedicated_schema"}`
	case "GET health/overview":
		return 200, `{"total": 2}`
	}
	return 404, `{"message": "Not found.", "code": "not_found"}`
}

func exampleClient() *tenlyr.Client {
	return tenlyr.New(tenlyr.Config{APIKey: os.Getenv("TENLYR_ADMIN_KEY")})
}

// deliver sends a signed webhook to the example's handler and answers the status.
func deliver(body string) int {
	at := fmt.Sprint(time.Now().Unix())
	digest := hmac.New(sha256.New, []byte(exampleSecret))
	digest.Write([]byte(at + "." + body))
	request := httptest.NewRequest(http.MethodPost, "/webhooks", strings.NewReader(body))
	request.Header.Set("Tenlyr-Signature", "t="+at+",v1="+hex.EncodeToString(digest.Sum(nil)))
	answer := httptest.NewRecorder()
	http.DefaultServeMux.ServeHTTP(answer, request)
	return answer.Code
}
