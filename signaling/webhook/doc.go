// Package webhook tells systems outside what happens in classes, and carries
// whatever else a door must send out for certain.
//
// It owns the subscriptions and the queues of deliveries: each is stored
// before it is acknowledged, sent at least once, in the order of its queue,
// and tried again until it is taken or a day is over. It never decides what a
// class does, and it speaks HTTP through a guarded client alone.
//
// One goroutine looks after the queues, one sweeps, and each queue that is
// busy has one of its own, of which no more than Config.Workers run at once.
// Close ends and waits for all. Lock order: putMu, then mu; neither is held
// over a request, putMu is held over the store.
package webhook
