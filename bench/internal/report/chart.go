package report

import (
	"github.com/go-analyze/charts"
)

// Sizes of the pictures, in pixels.
const (
	width     = 720
	barHeight = 40
	margins   = 90
	margin    = 20
	labelGap  = 10
)

// Bar is one value of a picture.
type Bar struct {
	Name  string
	Value float64
}

// Bars is a picture in SVG: the first on top, each with its figure.
func Bars(title string, bars []Bar) ([]byte, error) {
	names, values := make([]string, len(bars)), make([]float64, len(bars))
	for i, b := range bars { // the library begins at the bottom
		names[len(bars)-1-i], values[len(bars)-1-i] = b.Name, b.Value
	}
	o := charts.NewBarChartOptionWithData([][]float64{values})
	o.Horizontal = true
	o.Title.Text = title
	o.CategoryAxis.Labels = names
	o.CategoryAxis.LabelOffset.Left = -labelGap
	o.Padding = charts.NewBox(margin+labelGap, margin, margin, margin)
	o.ValueAxis = []charts.ValueAxisOption{{Min: new(0.0), Show: new(false)}} // each bar has its figure
	o.ValueFormatter = figure
	o.SeriesList[0].Label.Show = new(true)
	o.SeriesList[0].Label.ValueFormatter = figure
	p := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputSVG, Width: width, Height: margins + barHeight*len(bars)})
	if err := p.BarChart(o); err != nil {
		return nil, err
	}
	return p.Bytes()
}
