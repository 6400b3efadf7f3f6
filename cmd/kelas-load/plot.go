package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
)

//go:embed report.html
var pageSource string

var page = template.Must(template.New("report").Parse(pageSource))

// A plot is drawn in a box of this size; the page scales it.
const (
	plotWidth, plotHeight = 520, 300
	plotLeft, plotRight   = 62, 508
	plotTop, plotBottom   = 34, 256
)

// series is one line of a plot.
type series struct {
	Name   string
	Points [][2]float64
}

// plot is a drawing: everything is in pixels of the box.
type plot struct {
	Title          string
	XTicks, YTicks []tick
	Lines          []line2D
}

type tick struct {
	At    float64
	Label string
}

type line2D struct {
	Name, Class, Path string
	Dots              [][2]float64
	LegendY           float64
}

// draw scales the series into the box; both axes begin at zero.
func draw(title string, all []series) plot {
	maxX, maxY := 1.0, 0.0
	for _, s := range all {
		for _, p := range s.Points {
			maxX, maxY = max(maxX, p[0]), max(maxY, p[1])
		}
	}
	if maxY == 0 {
		maxY = 1
	}
	stepX, stepY := round125(maxX/5), round125(maxY/5)
	topX, topY := math.Ceil(maxX/stepX)*stepX, math.Ceil(maxY/stepY)*stepY
	x := func(v float64) float64 { return plotLeft + v/topX*(plotRight-plotLeft) }
	y := func(v float64) float64 { return plotBottom - v/topY*(plotBottom-plotTop) }
	p := plot{Title: title}
	for v := 0.0; v <= topX+stepX/2; v += stepX {
		p.XTicks = append(p.XTicks, tick{x(v), label(v)})
	}
	for v := 0.0; v <= topY+stepY/2; v += stepY {
		p.YTicks = append(p.YTicks, tick{y(v), label(v)})
	}
	for i, s := range all {
		l := line2D{Name: s.Name, Class: "s" + strconv.Itoa(i%6), LegendY: plotTop + 12 + 14*float64(i)}
		for j, q := range s.Points {
			at := [2]float64{x(q[0]), y(q[1])}
			l.Dots = append(l.Dots, at)
			command := "L"
			if j == 0 {
				command = "M"
			}
			l.Path += fmt.Sprintf("%s%.1f %.1f", command, at[0], at[1])
		}
		p.Lines = append(p.Lines, l)
	}
	return p
}

// round125 rounds up to 1, 2 or 5 times a power of ten.
func round125(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 2, 5, 10} {
		if v <= f*power*(1+1e-9) {
			return f * power
		}
	}
	return 10 * power
}

func label(v float64) string {
	if v >= 10000 {
		return strconv.FormatFloat(v/1000, 'f', -1, 64) + "k"
	}
	return strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64)
}

// plots are the drawings of a report, each against the number of viewers.
func (r *report) plots() []plot {
	each := func(f func(step) float64, needsServer bool) []series {
		var all []series
		for _, p := range r.Phases {
			s := series{Name: p.Server + ", " + p.Stream}
			for _, st := range p.Steps {
				if st.ServerKnown || !needsServer {
					s.Points = append(s.Points, [2]float64{float64(st.Viewers), f(st)})
				}
			}
			all = append(all, s)
		}
		return all
	}
	var delays []series
	for _, q := range []struct {
		name string
		of   func(quantiles) float64
	}{{"p50", p50}, {"p95", func(q quantiles) float64 { return q.P95 }}, {"p99", p99}} {
		for _, s := range each(func(st step) float64 { return q.of(st.Delay) }, false) {
			s.Name += " " + q.name
			delays = append(delays, s)
		}
	}
	return []plot{
		draw("Server CPU, % of one core", each(func(s step) float64 { return s.ServerCPU }, true)),
		draw("Server CPU for each forwarded packet, µs", each(func(s step) float64 { return s.MicrosPerPacket }, true)),
		draw("Server memory, MB resident", each(func(s step) float64 { return float64(s.RSS) / 1024 }, true)),
		draw("Sent by the server, kbit/s", each(func(s step) float64 { return s.SentKbit }, false)),
		draw("Received by the server, kbit/s", each(func(s step) float64 { return s.ReceivedKbit }, false)),
		draw("Forwarding delay, ms", delays),
		draw("Loss, %", each(func(s step) float64 { return s.Loss }, false)),
		draw("Generator CPU, % of one core", each(func(s step) float64 { return s.GeneratorCPU }, false)),
	}
}

// row of the page's table.
type pageRow struct {
	Server, Stream, Limit string
	Cells                 []string
}

func (r *report) writeHTML(w io.Writer) error {
	data := struct {
		*report
		Plots []plot
		Head  []string
		Rows  []pageRow
		Axis  map[string]int
	}{report: r, Plots: r.plots(), Axis: map[string]int{"width": plotWidth, "height": plotHeight, "left": plotLeft, "right": plotRight, "top": plotTop, "bottom": plotBottom}}
	for _, c := range columns {
		data.Head = append(data.Head, c.long)
	}
	for _, p := range r.Phases {
		for _, s := range p.Steps {
			row := pageRow{Server: p.Server, Stream: p.Stream, Limit: s.Limit}
			for _, c := range columns {
				row.Cells = append(row.Cells, c.value(s))
			}
			data.Rows = append(data.Rows, row)
		}
	}
	return page.Execute(w, data)
}
