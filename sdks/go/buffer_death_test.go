package tenlyr

import (
	"net"
	"net/http/httptest"
	"sync"
	"testing"
)

// mortal is a listener of a server that dies now and then: what is connected is cut off, and so are
// the next few. It keeps its port, which somebody else could take meanwhile.
type mortal struct {
	net.Listener
	mutex   sync.Mutex
	open    []*net.TCPConn
	refused int
}

func (m *mortal) Accept() (net.Conn, error) {
	for {
		accepted, err := m.Listener.Accept()
		if err != nil {
			return nil, err
		}
		connection := accepted.(*net.TCPConn)
		m.mutex.Lock()
		isUp := m.refused == 0
		if isUp {
			m.open = append(m.open, connection)
		} else {
			m.refused--
			cut(connection)
		}
		m.mutex.Unlock()
		if isUp {
			return connection, nil
		}
	}
}

func (m *mortal) die() {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for _, connection := range m.open {
		cut(connection)
	}
	m.open, m.refused = nil, 10
}

func cut(connection *net.TCPConn) {
	_ = connection.SetLinger(0)
	_ = connection.Close()
}

// The server dies twice; 100,000 events are stored once, and the bound is kept.
func TestAServerThatDies(t *testing.T) {
	const events = 100_000
	books := &ledger{stored: map[string]int{}}
	server := httptest.NewUnstartedServer(books)
	listener := &mortal{Listener: server.Listener}
	server.Listener = listener
	server.Start()
	defer server.Close()
	buffer := bufferAt(t, server.URL, UsageBufferParams{}, nil)
	most := 0
	for i := range events {
		if i == events/3 || i == 2*events/3 {
			listener.die()
		}
		put(t, buffer, 1, "$TENANT", "$OTHER_TENANT")
		most = max(most, buffer.Pending())
	}
	if err := buffer.Close(within(t)); err != nil {
		t.Fatal(err)
	}
	listener.mutex.Lock()
	defer listener.mutex.Unlock()
	if books.count() != events || most > 10_000 || listener.refused != 0 {
		t.Errorf("%d events of %d, at most %d held", books.count(), events, most)
	}
}
