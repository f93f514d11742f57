// Takes events into a buffer as it is told to, a line of stdin each time; the end of stdin closes it.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	tenlyr "github.com/tenlyr/tenlyr-go"
)

var duplicates = regexp.MustCompile(`"duplicates":(\d+)`)

// wire notes each try as it leaves and each answer as it comes.
type wire struct {
	file  *os.File
	lock  sync.Mutex
	tries atomic.Int64
}

func (w *wire) note(parts ...[]byte) {
	w.lock.Lock()
	defer w.lock.Unlock()
	if _, err := w.file.Write(append(bytes.Join(parts, []byte(" ")), '\n')); err != nil {
		log.Fatal(err)
	}
}

func (w *wire) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	request.Body.Close()
	if err != nil {
		return nil, err
	}
	request = request.Clone(request.Context())
	request.Body = io.NopCloser(bytes.NewReader(body))
	w.note([]byte(">"), body)
	w.tries.Add(1)
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	told, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		return nil, err
	}
	found := [][]byte{nil, []byte("0")}
	if counted := duplicates.FindSubmatch(told); counted != nil {
		found = counted
	}
	w.note([]byte("<"), []byte(strconv.Itoa(response.StatusCode)), found[1])
	response.Body = io.NopCloser(bytes.NewReader(told))
	return response, nil
}

type tenant struct{ id, key string }

func tenants() []tenant {
	var all []tenant
	for _, one := range strings.Split(os.Getenv("TENANTS"), ",") {
		id, key, _ := strings.Cut(one, "=")
		all = append(all, tenant{id, key})
	}
	return all
}

func number(name string) int {
	value, err := strconv.Atoi(os.Getenv(name))
	if err != nil {
		log.Fatal(name, ": ", err)
	}
	return value
}

// run is how far it is.
type run struct {
	buffer            *tenlyr.Buffer
	wire              *wire
	taken, most, lost atomic.Int64
	lock              sync.Mutex
}

func (r *run) say(closed string) {
	r.lock.Lock()
	defer r.lock.Unlock()
	text, err := json.Marshal(map[string]any{
		"taken": r.taken.Load(), "held": r.buffer.Pending(), "most": r.most.Load(),
		"tries": r.wire.tries.Load(), "lost": r.lost.Load(), "closed": closed,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
}

func (r *run) take(count int, all []tenant) {
	for range count {
		seq := r.taken.Load()
		owner := all[seq%int64(len(all))]
		err := r.buffer.Track(context.Background(), tenlyr.TrackRequest{
			TenantAPIKey: owner.key, Metric: tenlyr.MetricAPICall, Value: float64(1 + seq%3),
			Endpoint: fmt.Sprintf("/faults/%s/%d", owner.id, seq),
		})
		if err != nil {
			log.Fatal(err)
		}
		r.taken.Add(1)
		r.most.Store(max(r.most.Load(), int64(r.buffer.Pending())))
	}
}

func main() {
	file, err := os.Create(os.Getenv("WIRE"))
	if err != nil {
		log.Fatal(err)
	}
	r := &run{wire: &wire{file: file}}
	client := tenlyr.New(tenlyr.Config{
		BaseURL: os.Getenv("BASE_URL"), HTTPClient: &http.Client{Transport: r.wire},
	})
	r.buffer = client.Usage.Buffer(tenlyr.UsageBufferParams{
		MaxEvents: number("MAX_EVENTS"), FlushEvents: number("FLUSH_EVENTS"),
		FlushInterval: time.Duration(number("FLUSH_MS")) * time.Millisecond,
		OnDrop:        func(tenlyr.TrackRequest) { r.lost.Add(1) },
		OnError: func(event tenlyr.TrackRequest, why error) {
			r.lost.Add(1)
			log.Print(event.ID, ": ", why)
		},
	})
	go func() {
		for range time.Tick(20 * time.Millisecond) {
			r.say("")
		}
	}()
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		count, err := strconv.Atoi(orders.Text())
		if err != nil {
			log.Fatal(err)
		}
		r.take(count, tenants())
	}
	if err := r.buffer.Close(context.Background()); err != nil {
		log.Print("close: ", err)
		r.say("with an error")
		return
	}
	r.say("well")
}
