package main

import (
	"context"
	"net/http"
	"time"

	uiserver "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	uioptions "github.com/temporalio/ui-server/v2/server/server_options"
)

// UI is Temporal's web interface.
type UI struct {
	Addr   string
	server *uiserver.Server
	ended  chan struct{}
}

// Start serves the interface of the Temporal server at temporalAddr and waits until it answers.
func (u *UI) Start(ctx context.Context, addr, temporalAddr, namespace string, journal Journal) error {
	host, port, err := split(addr)
	if err != nil {
		return err
	}
	u.Addr = addr
	journal.Say("temporal: UI on http://%s", u.Addr)
	u.server = uiserver.NewServer(uioptions.WithConfigProvider(&uiconfig.Config{
		TemporalGRPCAddress: temporalAddr,
		Host:                host,
		Port:                port,
		EnableUI:            true,
		DefaultNamespace:    namespace,
		CORS:                uiconfig.CORS{CookieInsecure: true}, // plain HTTP on the loopback address
		DisableNewsFetch:    true,                                // no call leaves this machine
		NotifyOnNewVersion:  false,
		HideLogs:            true,
	}))
	u.ended = make(chan struct{})
	go func() {
		defer close(u.ended)
		_ = u.server.Start()
	}()
	return u.await(ctx)
}

func (u *UI) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+u.Addr+"/healthz", nil)
	if err != nil {
		return err
	}
	direct := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // no proxy on the way to ourselves
	for {
		response, err := direct.Do(request)
		if err == nil {
			return response.Body.Close()
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Stop ends the interface, if it was started.
func (u *UI) Stop(journal Journal) {
	if u.server == nil {
		return
	}
	journal.Say("temporal: stopping the UI")
	u.server.Stop()
	select {
	case <-u.ended:
	case <-time.After(time.Second):
	}
}
