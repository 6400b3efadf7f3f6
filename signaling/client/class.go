package client

import (
	"context"
	"fmt"

	"kelas/signaling/wire"
)

// Join enters the class, or goes on with the session of an earlier JoinedEvent.
func (c *Client) Join(ctx context.Context, req wire.JoinRequest) (wire.JoinedEvent, error) {
	joined := make(chan wire.JoinedEvent, 1)
	c.mu.Lock()
	c.joined = joined
	c.mu.Unlock()
	if err := c.Ask(ctx, wire.Join, req, nil); err != nil {
		c.mu.Lock()
		c.joined = nil
		c.mu.Unlock()
		return wire.JoinedEvent{}, err
	}
	select {
	case j := <-joined:
		return j, nil
	case <-c.done:
		return wire.JoinedEvent{}, fmt.Errorf("joining: %w", c.Err())
	case <-ctx.Done():
		return wire.JoinedEvent{}, fmt.Errorf("joining: %w", ctx.Err())
	}
}

// Chat sends a message and returns it with its number.
func (c *Client) Chat(ctx context.Context, req wire.ChatRequest) (wire.Entry, error) {
	var a wire.ChatAck
	if err := c.Ask(ctx, wire.Chat, req, &a); err != nil {
		return wire.Entry{}, err
	}
	if a.Entry == nil {
		return wire.Entry{}, fmt.Errorf("%w: an acknowledged message without a number", ErrProtocol)
	}
	return *a.Entry, nil
}

// Publish says what the presenter has switched on.
func (c *Client) Publish(ctx context.Context, req wire.PublishRequest) error {
	return c.Ask(ctx, wire.Publish, req, nil)
}

// Stop ends one of the session's endpoints.
func (c *Client) Stop(ctx context.Context, endpoint string) error {
	return c.Ask(ctx, wire.Stop, wire.StopRequest{Endpoint: endpoint}, nil)
}

// Leave ends the session; the server then closes the connection, and Leave
// waits until it has.
func (c *Client) Leave(ctx context.Context) error {
	c.expectEnd(true)
	if err := c.Ask(ctx, wire.Leave, wire.EmptyRequest{}, nil); err != nil {
		c.expectEnd(false)
		return err
	}
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("leaving: %w", ctx.Err())
	}
}

// expectEnd says whether the server's end of the connection is our own wish.
func (c *Client) expectEnd(wished bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = wished
}
