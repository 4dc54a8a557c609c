package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/spf13/cobra"
)

func health() *cobra.Command {
	var worker bool
	cmd := &cobra.Command{
		Use: "health", Short: "Ask the process on this machine whether it can do its work", Args: cobra.NoArgs,
		Long: "Ask /readyz at BELAY_HTTP_ADDR (or BELAY_WORKER_ADDR) on this machine: for images without a shell.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := settings()
			if err != nil {
				return err
			}
			addr := o.HTTPAddr
			if worker {
				addr = o.WorkerAddr
			}
			return ready(cmd.Context(), addr)
		},
	}
	cmd.Flags().BoolVar(&worker, "worker", false, "ask the worker")
	return cmd
}

func ready(ctx context.Context, addr string) error {
	at := "http://" + here(addr) + "/readyz"
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("health: %s answers %s", at, response.Status)
	}
	return nil
}

// here is where a process that listens on every address is found from its own machine.
func here(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip, err := netip.ParseAddr(host); host == "" || (err == nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
