package kurento

import "kelas/pipeline"

// rembElement is an endpoint whose browser is told a limit that follows loss.
type rembElement interface {
	RembParams() pipeline.RembParams
	SetRembParams(p pipeline.RembParams) error
}

func (c *call) remb() (rembElement, error) {
	if e, ok := c.obj.element().(rembElement); ok {
		return e, nil
	}
	return nil, notThere(c.obj.class.name+".rembParams", whyREMB)
}

func getRembParams(c *call) (any, error) {
	e, err := c.remb()
	if err != nil {
		return nil, err
	}
	p := e.RembParams()
	return record("RembParams", map[string]any{
		"packetsRecvIntervalTop": p.PacketsRecvIntervalTop, "exponentialFactor": p.ExponentialFactor,
		"linealFactorMin": p.LinealFactorMin, "linealFactorGrade": p.LinealFactorGrade, "decrementFactor": p.DecrementFactor,
		"thresholdFactor": p.ThresholdFactor, "upLosses": p.UpLosses, "rembOnConnect": p.RembOnConnect}), nil
}

// setRembParams leaves what is not given as it is.
func setRembParams(c *call) error {
	e, err := c.remb()
	if err != nil {
		return err
	}
	given := c.record("rembParams")
	whole := func(name string, to *int) {
		if n, ok := given[name].(int64); ok {
			*to = int(n)
		}
	}
	real := func(name string, to *float64) {
		if f, ok := given[name].(float64); ok {
			*to = f
		}
	}
	c.s.bounds.Lock() // some are changed, all are written
	defer c.s.bounds.Unlock()
	p := e.RembParams()
	whole("packetsRecvIntervalTop", &p.PacketsRecvIntervalTop)
	real("exponentialFactor", &p.ExponentialFactor)
	whole("linealFactorMin", &p.LinealFactorMin)
	real("linealFactorGrade", &p.LinealFactorGrade)
	real("decrementFactor", &p.DecrementFactor)
	real("thresholdFactor", &p.ThresholdFactor)
	whole("upLosses", &p.UpLosses)
	whole("rembOnConnect", &p.RembOnConnect)
	return e.SetRembParams(p)
}
