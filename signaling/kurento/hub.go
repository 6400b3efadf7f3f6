package kurento

import "kelas/pipeline"

// PassThrough, hubs and their ports.

type passPart struct{ *pipeline.PassThrough }

func (p passPart) element() pipeline.MediaElement { return p.PassThrough }

func makePassThrough(c *call) (part, error) {
	e, err := c.inPipeline().NewPassThrough()
	if err != nil {
		return nil, err
	}
	return passPart{e}, nil
}

// hubPart stands behind every hub, portPart behind every HubPort.
type hubPart struct{ pipeline.Hub }

type portPart struct{ *pipeline.HubPort }

func (p portPart) element() pipeline.MediaElement { return p.HubPort }

func makeDispatcher(c *call) (part, error) {
	d, err := c.inPipeline().NewDispatcher()
	if err != nil {
		return nil, err
	}
	return hubPart{d}, nil
}

func makeOneToMany(c *call) (part, error) {
	d, err := c.inPipeline().NewDispatcherOneToMany()
	if err != nil {
		return nil, err
	}
	return hubPart{d}, nil
}

func makePort(c *call) (part, error) {
	x, err := c.object("hub").part.(hubPart).NewHubPort()
	if err != nil {
		return nil, err
	}
	return portPart{x}, nil
}

// port is the HubPort that a parameter names; the table has checked the type.
func (c *call) port(name string) *pipeline.HubPort { return c.object(name).part.(portPart).HubPort }

func dispatch(c *call) (any, error) {
	return nil, c.obj.part.(hubPart).Hub.(*pipeline.Dispatcher).Connect(c.port("source"), c.port("sink"))
}

func setSource(c *call) (any, error) {
	return nil, c.obj.part.(hubPart).Hub.(*pipeline.DispatcherOneToMany).SetSource(c.port("source"))
}

func removeSource(c *call) (any, error) {
	c.obj.part.(hubPart).Hub.(*pipeline.DispatcherOneToMany).RemoveSource()
	return nil, nil
}
