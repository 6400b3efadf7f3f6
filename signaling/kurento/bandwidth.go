package kurento

import "kelas/pipeline"

// bandwidthElement is an endpoint with bounds.
type bandwidthElement interface {
	Bandwidth() pipeline.Bandwidth
	SetBandwidth(b pipeline.Bandwidth) error
}

// bandwidth is one of the properties in kbit/s; 0 is no bound. In Kurento an
// endpoint sends 500 kbit/s of pictures unless told otherwise, here all that
// the line carries.
func bandwidth(name string, of func(b *pipeline.Bandwidth) *int) property {
	return property{name: name, typ: "int",
		get: func(c *call) (any, error) {
			b := c.obj.element().(bandwidthElement).Bandwidth()
			return *of(&b), nil
		},
		set: func(c *call) error {
			n := c.int(name)
			if n < 0 || n > pipeline.MaxBandwidth {
				return fail(codeIllegalParam, "%s is %d; 0 to %d kbit/s are possible", name, n, pipeline.MaxBandwidth)
			}
			e := c.obj.element().(bandwidthElement)
			c.s.bounds.Lock() // one property is changed, all are written
			defer c.s.bounds.Unlock()
			b := e.Bandwidth()
			*of(&b) = int(n)
			meet(of(&b), &b.MinVideoSend, &b.MaxVideoSend)
			meet(of(&b), &b.MinVideoRecv, &b.MaxVideoRecv)
			return e.SetBandwidth(b)
		},
	}
}

// meet takes the bound that was set to the other where the least would be more
// than the most: as in Kurento, that is no error. 0 is no bound.
func meet(set, least, most *int) {
	switch {
	case *least <= *most || *most == 0:
	case set == least:
		*least = *most
	case set == most:
		*most = *least
	}
}
