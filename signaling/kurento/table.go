package kurento

import (
	"fmt"
	"slices"
	"strings"
)

// The table: every type that the protocol has here, with its parents,
// constructor, properties, methods and events. Dispatch, argument checks,
// describe, getKmd, getInfo and the README's lists are made from it and from
// nothing else. A type or an operation that is not there says why.

// class is one type of object. A class that can be created has make.
type class struct {
	name, module, parent string
	abstract             bool
	ctor                 []param
	make                 func(c *call) (part, error)
	absent               string // why create is refused
	props                []property
	methods              []method
	events               []string
}

// param is one parameter; def is used when an optional one was left out, and
// nil then means that the operation sees nothing.
type param struct {
	name, typ string
	optional  bool
	def       any
}

// property foo is the operations getFoo and, with set, setFoo. A final one is
// fixed at construction. A former one was in Kurento 6 and is served still,
// but is in no KMD document.
type property struct {
	name, typ string
	final     bool
	former    bool
	now       string // what a former one is called in 7
	get       func(c *call) (any, error)
	set       func(c *call) error
	absent    string // why neither is there
	setAbsent string // why it can only be read, where Kurento can set it
}

// method is one operation. Slow ones get the server's context and may wait.
type method struct {
	name   string
	params []param
	result string // "" is void
	do     func(c *call) (any, error)
	absent string
}

// event is one type of event with its own members. Who subscribes to it by a
// name that it had in Kurento 6 is told of it by that name.
type event struct {
	name, module, parent string
	fields               []param
	former               []string
}

// complexType is a record, or with values an enumeration.
type complexType struct {
	name, module, parent string
	values               []string
	fields               []param
}

// operation is what invoke runs: a method, or one half of a property.
type operation struct {
	name   string
	params []param
	result string
	run    func(c *call) (any, error)
	absent string
	former bool // of Kurento 6, so in no KMD document
}

// known is the table made ready for use, once.
type known struct {
	classes    map[string]*class
	ancestors  map[string][]string // nearest first, without itself
	operations map[string]map[string]*operation
	events     map[string]*event
	eventsOf   map[string]map[string]bool
	types      map[string]*complexType
	modules    []string
}

var table *known

// The table has functions that read it, so it is filled in by init. It ends
// the program at its start when it contradicts itself.
func init() {
	k, err := index(slices.Concat(coreClasses(), elementClasses(), filterClasses()),
		slices.Concat(coreEvents(), elementEvents()), slices.Concat(coreTypes(), elementTypes()))
	if err != nil {
		panic("kurento: the table of types: " + err.Error())
	}
	table = k
}

func index(classes []class, events []event, types []complexType) (*known, error) {
	k := &known{classes: map[string]*class{}, ancestors: map[string][]string{}, operations: map[string]map[string]*operation{},
		events: map[string]*event{}, eventsOf: map[string]map[string]bool{}, types: map[string]*complexType{}}
	for i := range types {
		k.types[types[i].name] = &types[i]
	}
	for i := range events {
		k.events[events[i].name] = &events[i]
	}
	for i := range classes {
		k.classes[classes[i].name] = &classes[i]
		if !slices.Contains(k.modules, classes[i].module) {
			k.modules = append(k.modules, classes[i].module)
		}
	}
	for i := range classes { // parents stand before their children
		if err := k.add(&classes[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", classes[i].name, err)
		}
	}
	return k, nil
}

func (k *known) add(c *class) error {
	ops, evs := map[string]*operation{}, map[string]bool{}
	if c.parent != "" {
		parent := k.operations[c.parent]
		if parent == nil {
			return fmt.Errorf("its parent %q stands behind it", c.parent)
		}
		for name, op := range parent {
			ops[name] = op
		}
		for name := range k.eventsOf[c.parent] {
			evs[name] = true
		}
		k.ancestors[c.name] = append([]string{c.parent}, k.ancestors[c.parent]...)
	}
	for _, p := range c.props {
		for _, op := range p.operations() {
			ops[op.name] = op
		}
	}
	for _, m := range c.methods {
		ops[m.name] = &operation{name: m.name, params: m.params, result: m.result, run: m.do, absent: m.absent}
	}
	for _, e := range c.events {
		if k.events[e] == nil {
			return fmt.Errorf("there is no event %q", e)
		}
		evs[e] = true
		for _, name := range k.events[e].former {
			evs[name] = true
		}
	}
	k.operations[c.name], k.eventsOf[c.name] = ops, evs
	for _, op := range ops {
		if (op.run == nil) == (op.absent == "") {
			return fmt.Errorf("%s is neither there nor absent", op.name)
		}
		for _, p := range op.params {
			if !k.hasType(p.typ) {
				return fmt.Errorf("%s: there is no type %q", op.name, p.typ)
			}
		}
	}
	for _, p := range c.ctor {
		if !k.hasType(p.typ) {
			return fmt.Errorf("constructor: there is no type %q", p.typ)
		}
	}
	if creatable := c.make != nil; !c.abstract && creatable == (c.absent != "") {
		return fmt.Errorf("it can neither be created nor is it absent")
	}
	return nil
}

func (k *known) hasType(name string) bool {
	name = strings.TrimSuffix(strings.TrimSuffix(name, "[]"), "<>")
	switch name {
	case "String", "int", "int64", "float", "double", "boolean":
		return true
	}
	return k.classes[name] != nil || k.types[name] != nil
}

// isA reports whether name is the class of that name or comes from it.
func (k *known) isA(name, of string) bool {
	return name == of || slices.Contains(k.ancestors[name], of)
}

// operations are the getter and the setter of a property; param names keep
// the property's spelling, operations begin with a capital letter.
func (p property) operations() []*operation {
	title := strings.ToUpper(p.name[:1]) + p.name[1:]
	get := &operation{name: "get" + title, result: p.typ, run: p.get, absent: p.absent, former: p.former}
	if p.absent == "" && p.set == nil && p.setAbsent == "" {
		return []*operation{get}
	}
	set := &operation{name: "set" + title, params: []param{{name: p.name, typ: p.typ}}, absent: p.absent, former: p.former}
	switch {
	case p.absent != "":
	case p.set == nil:
		set.absent = p.setAbsent
	default:
		set.run = func(c *call) (any, error) { return nil, p.set(c) }
	}
	return []*operation{get, set}
}

// readOnly is what a KMD document says of a property without a setter.
func (p property) readOnly() bool { return p.set == nil && !p.final }

// qualified is the name with its module; core, elements and filters all say
// kurento.
func qualified(name string) string { return "kurento." + name }
