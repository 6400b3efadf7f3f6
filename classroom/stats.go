package classroom

import "sync/atomic"

// RegistryStats are the figures of all loaded classes, and totals since the
// start.
type RegistryStats struct {
	Classes, Participants, Sessions, SessionsLost int
	Presenters, Viewers, Encoders                 int // endpoints
	ChatWaiting, RecordsWaiting, NewsWaiting      int // for the store

	Joins, Resumes, OutletsLost uint64
	ChatAccepted, ChatStored    uint64
	ChatRefused, RecordsRefused uint64 // by the store, for good
	JournalRetries              uint64
	PipelineErrors              uint64
	NewsTold, NewsLost          uint64 // happenings, for observers
}

type counters struct {
	joins, resumes, outletsLost atomic.Uint64
	chatAccepted, chatStored    atomic.Uint64
	chatRefused, recordsRefused atomic.Uint64
	journalRetries              atomic.Uint64
	pipelineErrors              atomic.Uint64
	newsTold, newsLost          atomic.Uint64
}

// Stats returns the figures of now.
func (r *Registry) Stats() RegistryStats {
	s := RegistryStats{
		Joins: r.counts.joins.Load(), Resumes: r.counts.resumes.Load(), OutletsLost: r.counts.outletsLost.Load(),
		ChatAccepted: r.counts.chatAccepted.Load(), ChatStored: r.counts.chatStored.Load(),
		ChatRefused: r.counts.chatRefused.Load(), RecordsRefused: r.counts.recordsRefused.Load(),
		JournalRetries: r.counts.journalRetries.Load(), PipelineErrors: r.counts.pipelineErrors.Load(),
		NewsTold: r.counts.newsTold.Load(), NewsLost: r.counts.newsLost.Load(),
	}
	for _, c := range r.all() {
		s.Classes++
		c.addTo(&s)
	}
	return s
}

func (c *Class) addTo(s *RegistryStats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Participants += c.people
	s.ChatWaiting += c.chat.waiting()
	s.RecordsWaiting += len(c.records)
	s.NewsWaiting += len(c.news)
	if c.pres != nil && c.pres.end != nil {
		s.Presenters++
	}
	if c.pres != nil {
		s.Encoders += len(c.pres.encoders)
	}
	for _, t := range c.tabs {
		s.Sessions++
		if !t.connected {
			s.SessionsLost++
		}
		if t.viewer != nil {
			s.Viewers++
		}
	}
}
