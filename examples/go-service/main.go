// A small service that is multi-tenant by Tenlyr: customers sign up, each has notes of its own, and
// what they call is tracked, limited and shown with Tenlyr. `go run .` starts it.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	tenlyr "github.com/tenlyr/tenlyr-go"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	client := tenlyr.New(tenlyr.Config{
		APIKey:  os.Getenv("TENLYR_ADMIN_KEY"),
		BaseURL: setting("TENLYR_URL", "http://127.0.0.1:8000"),
	})
	// Tell a wrong key or address now, and not to the first customer.
	if _, err := client.Health.Overview(ctx); err != nil {
		return err
	}
	usage := client.Usage.Buffer(tenlyr.UsageBufferParams{
		WhenFull: tenlyr.BufferDrop,
		OnError: func(event tenlyr.TrackRequest, err error) {
			log.Print("usage that was refused: ", err)
		},
	})
	handler := service(client, usage, os.Getenv("TENLYR_WEBHOOK_SECRET"))
	return errors.Join(serve(ctx, handler), finish(usage))
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// serve answers until the context ends, and then what is under way.
func serve(ctx context.Context, handler http.Handler) error {
	listener, err := net.Listen("tcp", setting("ADDRESS", "127.0.0.1:8080"))
	if err != nil {
		return err
	}
	fmt.Println("listening on http://" + listener.Addr().String())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return server.Shutdown(last)
}

// finish sends the usage that is still held.
func finish(usage *tenlyr.Buffer) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return usage.Close(ctx)
}
