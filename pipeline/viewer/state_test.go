package viewer

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
)

// TestStatesAreToldInOrder: ICE fails while it is being told that it checks.
func TestStatesAreToldInOrder(t *testing.T) {
	var c Conn
	c.ctx, c.cancel = context.WithCancel(t.Context())
	defer c.cancel()
	var told []State
	var other sync.WaitGroup
	began := make(chan struct{})
	c.handler.State = func(s State) {
		if s == StateConnecting {
			other.Go(func() {
				c.mu.Lock()
				c.ice = ice.ConnectionStateFailed
				c.mu.Unlock()
				close(began)
				c.tell(false)
			})
			<-began
			time.Sleep(20 * time.Millisecond) // would be enough to overtake
		}
		told = append(told, s)
	}
	c.ice = ice.ConnectionStateChecking
	c.tell(false)
	other.Wait()
	if want := []State{StateConnecting, StateFailed}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}
