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
			e := c.obj.element().(bandwidthElement)
			c.s.bounds.Lock() // one property is changed, all are written
			defer c.s.bounds.Unlock()
			b := e.Bandwidth()
			*of(&b) = int(c.int(name))
			return e.SetBandwidth(b)
		},
	}
}
