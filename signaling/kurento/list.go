package kurento

import (
	"fmt"
	"slices"
	"strings"
)

// supported writes the README's list of what is there, and of what is not
// with its reason, from the table.
func (k *known) supported() string {
	var b strings.Builder
	b.WriteString("| type | parameters of `create` | properties (`+` can be set) and methods | events |\n|---|---|---|---|\n")
	var missing []string
	for _, c := range sorted(k.classes) {
		if c.absent != "" {
			missing = append(missing, fmt.Sprintf("| `%s` | %s |", c.name, c.absent))
			continue
		}
		missing = append(missing, c.missing()...)
		name := "`" + c.name + "`"
		if c.parent != "" {
			name += " < `" + c.parent + "`"
		}
		var ctor []string
		for _, p := range c.ctor {
			ctor = append(ctor, p.short())
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, strings.Join(ctor, ", "), strings.Join(c.present(), ", "), strings.Join(c.events, ", "))
	}
	slices.Sort(missing)
	b.WriteString("\nNot there; the answer is error 40006 with the same words:\n\n| what | why |\n|---|---|\n")
	b.WriteString(strings.Join(missing, "\n") + "\n")
	b.WriteString("\nNames of Kurento 6 that are served beside those of 7:\n\n| in 6 | in 7 |\n|---|---|\n")
	b.WriteString(strings.Join(k.former(), "\n") + "\n")
	return b.String()
}

// former lists names of events and properties that Kurento 7 has no more.
func (k *known) former() []string {
	var list []string
	for _, e := range sorted(k.events) {
		for _, name := range e.former {
			list = append(list, fmt.Sprintf("| event `%s` | `%s` |", name, e.name))
		}
	}
	for _, c := range sorted(k.classes) {
		for _, p := range c.props {
			switch {
			case !p.former:
			case p.absent != "":
				list = append(list, fmt.Sprintf("| property `%s.%s` | not there (40006): %s |", c.name, p.name, p.absent))
			default:
				list = append(list, fmt.Sprintf("| property `%s.%s` | `%s` |", c.name, p.name, p.now))
			}
		}
	}
	return list
}

func (p param) short() string {
	if p.optional {
		return p.name + "?"
	}
	return p.name
}

// present lists what of the class itself is there.
func (c *class) present() []string {
	var list []string
	for _, p := range c.props {
		switch {
		case p.absent != "", p.former:
		case p.set != nil:
			list = append(list, p.name+"+")
		default:
			list = append(list, p.name)
		}
	}
	for _, m := range c.methods {
		if m.absent != "" {
			continue
		}
		var params []string
		for _, p := range m.params {
			params = append(params, p.short())
		}
		list = append(list, m.name+"("+strings.Join(params, ", ")+")")
	}
	return list
}

func (c *class) missing() []string {
	var list []string
	for _, p := range c.props {
		switch {
		case p.former:
		case p.absent != "":
			list = append(list, fmt.Sprintf("| `%s.%s` | %s |", c.name, p.name, p.absent))
		case p.setAbsent != "":
			list = append(list, fmt.Sprintf("| setting `%s.%s` | %s |", c.name, p.name, p.setAbsent))
		}
	}
	for _, m := range c.methods {
		if m.absent != "" {
			list = append(list, fmt.Sprintf("| `%s.%s()` | %s |", c.name, m.name, m.absent))
		}
	}
	return list
}
