package udp

import (
	"fmt"
	"time"
)

// Config says how packets are put together. The zero value is a good one.
type Config struct {
	// Segments is how many packets one message may hold; 0 means 8. The kernel
	// sends a message at line rate, and shallow queues on the way drop long
	// bursts. It cuts no more than 64.
	Segments int
	// Wait is how long a packet waits when nobody calls Flush; 0 means 2 ms.
	Wait time.Duration
	// MTU is the largest IP packet that leaves whole; 0 means 1500. A larger
	// packet is never put together with others.
	MTU int
	// Pending bounds the bytes that wait; 0 means 2 MiB. A writer that finds no
	// room sends what waits itself.
	Pending int
	// ReadBuffer and WriteBuffer are asked of the system, which may give less;
	// 0 means 4 MiB.
	ReadBuffer, WriteBuffer int
	// Plain sends every packet by itself, at once.
	Plain bool
}

const (
	maxSegments = 64    // UDP_MAX_SEGMENTS of Linux
	maxMessage  = 65000 // a message is a UDP datagram before it is cut
)

// Validate names the first field that cannot be used.
func (c Config) Validate() error {
	switch {
	case c.Segments < 0 || c.Segments > maxSegments:
		return fmt.Errorf("%w: Segments: %d is not within 1 and %d", ErrConfig, c.Segments, maxSegments)
	case c.Wait < 0:
		return fmt.Errorf("%w: Wait is negative", ErrConfig)
	case c.MTU != 0 && (c.MTU < 576 || c.MTU > 65535):
		return fmt.Errorf("%w: MTU: %d is not within 576 and 65535", ErrConfig, c.MTU)
	case c.Pending != 0 && c.Pending < chunkSize:
		return fmt.Errorf("%w: Pending: %d is less than %d", ErrConfig, c.Pending, chunkSize)
	case c.ReadBuffer < 0 || c.WriteBuffer < 0:
		return fmt.Errorf("%w: a negative buffer", ErrConfig)
	}
	return nil
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field *int
		value int
	}{
		{&c.Segments, 8}, {&c.MTU, 1500}, {&c.Pending, 2 << 20}, {&c.ReadBuffer, 4 << 20}, {&c.WriteBuffer, 4 << 20},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if c.Wait == 0 {
		c.Wait = 2 * time.Millisecond
	}
	return c
}
