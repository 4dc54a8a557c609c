package chaos

import (
	"fmt"
	"io"
	"net"
	"sync"
)

// conduct is what a line does with connections.
type conduct string

const (
	carry conduct = "carry"
	hold  conduct = "hold" // nothing arrives, in either direction, and nobody hears why
	drop  conduct = "drop" // connections are cut, new ones refused
)

// line is a TCP connection that can be cut and healed.
type line struct {
	address, to string
	listener    net.Listener

	mu     sync.Mutex
	turned *sync.Cond
	now    conduct
	open   map[net.Conn]bool
	closed bool
}

func connect(address, to string) (*line, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("lay a line to %s: %w", to, err)
	}
	l := &line{address: address, to: to, listener: listener, now: carry, open: map[net.Conn]bool{}}
	l.turned = sync.NewCond(&l.mu)
	go l.serve()
	return l, nil
}

func (l *line) serve() {
	for {
		in, err := l.listener.Accept()
		if err != nil {
			return
		}
		go l.join(in)
	}
}

// turn changes the conduct, for connections that are there and for new ones.
func (l *line) turn(to conduct) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = to
	if to == drop {
		l.cut()
	}
	l.turned.Broadcast()
}

func (l *line) cut() {
	for c := range l.open {
		_ = c.Close()
	}
}

func (l *line) close() {
	_ = l.listener.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.cut()
	l.turned.Broadcast()
}

// passes waits while the line holds; false: the connection is to end.
func (l *line) passes() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.now == hold && !l.closed {
		l.turned.Wait()
	}
	return l.now == carry && !l.closed
}

// keep notes connections, so that they can be cut; false: they are cut already.
func (l *line) keep(all ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now == drop || l.closed {
		return false
	}
	for _, c := range all {
		l.open[c] = true
	}
	return true
}

func (l *line) join(in net.Conn) {
	defer in.Close()
	if !l.passes() {
		return
	}
	out, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	defer out.Close()
	if !l.keep(in, out) {
		return
	}
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.open, in)
		delete(l.open, out)
	}()
	done := make(chan struct{}, 2)
	go func() { l.copy(out, in); done <- struct{}{} }()
	go func() { l.copy(in, out); done <- struct{}{} }()
	<-done
}

func (l *line) copy(to io.Writer, from io.Reader) {
	part := make([]byte, 32<<10)
	for {
		n, err := from.Read(part)
		if n > 0 {
			if !l.passes() {
				return
			}
			if _, err := to.Write(part[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
