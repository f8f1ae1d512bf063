package main

import (
	"cmp"
	"fmt"
	"html"
	"slices"
	"strings"
	"time"
)

// Sizes of the plot, in its own units.
const (
	panelWidth, panelHeight = 440, 190
	plotWidth, plotHeight   = 310, 110
	plotLeft, plotTop       = 64, 42
	columns                 = 2
)

// style works on light and dark pages, and the lines differ even without colors.
const style = `<style>
svg { color: #1f2328; background: #fff; --waiting: #b35900; --running: #0969da; --held: #8250df; font: 12px system-ui, sans-serif }
@media (prefers-color-scheme: dark) { svg { color: #e6edf3; background: #0d1117; --waiting: #f0a05a; --running: #79c0ff; --held: #d2a8ff } }
text { fill: currentColor } .name { font-weight: 600 } .axis { stroke: currentColor; stroke-opacity: .3 }
path { fill: none; stroke-width: 1.5; stroke-linejoin: round } path.axis { stroke-width: 1 }
path.waiting { stroke: var(--waiting) } path.running { stroke: var(--running); stroke-dasharray: 5 3 }
path.held { stroke: var(--held); stroke-dasharray: 1 2 }
text.waiting { fill: var(--waiting); text-anchor: end } text.running { fill: var(--running) }
</style>
`

// plot draws, for each scenario, the events that wait, the jobs that run and the requests that
// the API answers or holds, over time.
func plot(scenarios []scenario, outcomes []outcome) string {
	rows := (len(scenarios) + columns) / columns // the legend needs a panel too
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="Waiting events, running jobs and busy invocations of the API over time">`+"\n",
		columns*panelWidth, rows*panelHeight)
	b.WriteString(style)
	for i, s := range scenarios {
		fmt.Fprintf(&b, `<g transform="translate(%d %d)">`+"\n", i%columns*panelWidth, i/columns*panelHeight)
		panel(&b, s, outcomes[i])
		b.WriteString("</g>\n")
	}
	last := len(scenarios)
	fmt.Fprintf(&b, `<g transform="translate(%d %d)">
<path class="waiting" d="M%[3]d 50h40"/><text x="%[4]d" y="54">events that wait, scale on the left</text>
<path class="running" d="M%[3]d 74h40"/><text x="%[4]d" y="78">jobs that run, scale on the right</text>
<path class="held" d="M%[3]d 98h40"/><text x="%[4]d" y="102">invocations of the API, scale on the right</text>
</g>
</svg>
`, last%columns*panelWidth, last/columns*panelHeight, plotLeft, plotLeft+52)
	return b.String()
}

// panel draws one scenario: waiting events to the scale on the left, the rest to that on the right.
func panel(b *strings.Builder, s scenario, o outcome) {
	waiting, running := roundUp(slices.Max(o.waiting)), roundUp(max(slices.Max(o.running), slices.Max(o.held)))
	last := s.step * time.Duration(len(o.waiting))
	const right, bottom = plotLeft + plotWidth, plotTop + plotHeight
	fmt.Fprintf(b, `<text class="name" x="%d" y="14">%s</text><text x="%[1]d" y="30">limit %[3]s, %[4]s</text>`+"\n",
		plotLeft, html.EscapeString(s.uploads), count(float64(s.stage.account.limit)), html.EscapeString(s.way))
	for _, share := range []float64{0, 0.5, 1} {
		y := plotTop + int(plotHeight*(1-share))
		fmt.Fprintf(b, `<path class="axis" d="M%d %dh%d"/>`, plotLeft, y, plotWidth)
		fmt.Fprintf(b, `<text class="waiting" x="%d" y="%d">%s</text>`, plotLeft-6, y+4, count(share*float64(waiting)))
		fmt.Fprintf(b, `<text class="running" x="%d" y="%d">%s</text>`, right+6, y+4, count(share*float64(running)))
		fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n",
			plotLeft+int(plotWidth*share), bottom+18, moment(time.Duration(share*float64(last)), last))
	}
	line(b, "waiting", o.waiting, waiting)
	line(b, "running", o.running, running)
	line(b, "held", o.held, running)
}

// line computes in whole tenths, because processors may round fractions differently.
func line(b *strings.Builder, class string, values []int, top int) {
	fmt.Fprintf(b, `<path class="%s" d="M%d %d`, class, plotLeft, plotTop+plotHeight)
	for i, value := range values {
		x := 10*plotLeft + 10*plotWidth*(i+1)/len(values)
		y := 10*plotTop + 10*plotHeight*(top-value)/top
		fmt.Fprintf(b, "L%.1f %.1f", float64(x)/10, float64(y)/10)
	}
	b.WriteString(`"/>` + "\n")
}

// moment writes a time on an axis that ends with last.
func moment(t, last time.Duration) string {
	switch {
	case last >= 2*time.Hour:
		return fmt.Sprintf("%.3g h", t.Hours())
	case last >= 2*time.Minute:
		return fmt.Sprintf("%.3g min", t.Minutes())
	default:
		return fmt.Sprintf("%.3g s", t.Seconds())
	}
}

// roundUp returns the next number of the form 1, 2, 4, 6, 8 times a power of ten.
func roundUp(n int) int {
	power := 1
	for 10*power < n {
		power *= 10
	}
	steps := []int{power, 2 * power, 4 * power, 6 * power, 8 * power, 10 * power}
	at, _ := slices.BinarySearchFunc(steps, n, cmp.Compare)
	return steps[at]
}
