//! Pictures of curves, as SVG, also for other crates.

use std::error::Error;

use plotters::prelude::*;

use crate::SimulateError;

const SIZE: (u32, u32) = (760, 360);
const LABEL: (&str, u32) = ("sans-serif", 15);

/// The palette of all pictures. Its colors are told apart by people who do not see all colors; after the last it begins again.
pub static COLORS: [RGBColor; 10] = [
    RGBColor(0, 90, 181),
    RGBColor(204, 51, 17),
    RGBColor(34, 136, 51),
    RGBColor(230, 159, 0),
    RGBColor(170, 51, 119),
    RGBColor(51, 187, 238),
    RGBColor(102, 51, 0),
    RGBColor(120, 120, 120),
    RGBColor(40, 40, 40),
    RGBColor(240, 228, 66),
];

/// Draws the legend: every series of the chart that has a label.
pub fn legend<'a, DB: DrawingBackend + 'a, CT: CoordTranslate>(
    chart: &mut ChartContext<'a, DB, CT>,
    position: SeriesLabelPosition,
    label: (&str, u32),
) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
    chart
        .configure_series_labels()
        .position(position)
        .label_font(label)
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(200, 200, 200))
        .draw()
}

/// A curve and what it is called.
pub struct Curve {
    /// What it is called.
    pub name: String,
    /// x and y, x rising.
    pub points: Vec<(f64, f64)>,
}

/// What a picture shows.
pub struct Picture<'a> {
    /// Above it.
    pub title: &'a str,
    /// Below it.
    pub x: &'a str,
    /// Beside it.
    pub y: &'a str,
    /// What is drawn.
    pub curves: &'a [Curve],
}

impl Picture<'_> {
    /// The picture; nothing where no curve has a point that can be shown.
    pub fn svg(&self) -> Result<Option<String>, SimulateError> {
        let finite = |(x, y): &&(f64, f64)| x.is_finite() && y.is_finite() && y.abs() < 1e300;
        let points = || self.curves.iter().flat_map(|curve| curve.points.iter().filter(finite));
        if points().next().is_none() {
            return Ok(None);
        }
        let span = |values: &mut dyn Iterator<Item = f64>| {
            let (low, high) =
                values.fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)));
            let room = if high > low { 0.0 } else { low.abs().max(1.0) / 2.0 };
            (low - room, high + room)
        };
        let x = span(&mut points().map(|point| point.0));
        let y = span(&mut points().map(|point| point.1));
        let room = (y.1 - y.0) * 0.05;
        let drawn = self.draw(x, (y.0 - room, y.1 + room));
        drawn.map(Some).map_err(|error| SimulateError::Other(format!("a picture: {error}")))
    }

    fn draw(&self, x: (f64, f64), y: (f64, f64)) -> Result<String, Box<dyn Error>> {
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            area.fill(&WHITE)?;
            let mut chart = ChartBuilder::on(&area)
                .caption(self.title, ("sans-serif", 20))
                .margin(12)
                .x_label_area_size(40)
                .y_label_area_size(72)
                .build_cartesian_2d(x.0..x.1, y.0..y.1)?;
            chart
                .configure_mesh()
                .label_style(LABEL)
                .axis_desc_style(LABEL)
                .x_desc(self.x)
                .y_desc(self.y)
                .x_label_formatter(&|number| short(*number))
                .y_label_formatter(&|number| short(*number))
                .light_line_style(RGBColor(244, 244, 244))
                .draw()?;
            for (curve, color) in self.curves.iter().zip(COLORS.iter().cycle()) {
                let points = curve.points.iter().copied().filter(|point| point.1.abs() < 1e300);
                let line = chart.draw_series(LineSeries::new(points, color.stroke_width(2)))?;
                if self.curves.len() > 1 {
                    line.label(&curve.name).legend(move |(x, y)| {
                        PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2))
                    });
                }
            }
            if self.curves.len() > 1 {
                legend(&mut chart, SeriesLabelPosition::LowerRight, LABEL)?;
            }
            area.present()?;
        }
        Ok(svg)
    }
}

/// A number on an axis.
fn short(number: f64) -> String {
    let text = match number.abs() {
        0.0 => "0".to_owned(),
        size if (0.001..10_000.0).contains(&size) => format!("{number:.4}"),
        _ => return format!("{number:.2e}"),
    };
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_curve_is_in_the_picture_and_what_is_no_number_is_not() {
        let curve = |name: &str, y: f64| Curve {
            name: name.to_owned(),
            points: vec![(1.0, y), (2.0, y / 2.0), (3.0, f64::MAX)],
        };
        let curves = [curve("one", 1.0), curve("other", 2.0)];
        let picture = Picture { title: "Loss", x: "round", y: "nats", curves: &curves };
        let svg = picture.svg().unwrap().unwrap();
        for text in ["Loss", "round", "nats", "one", "other", "#005AB5", "#CC3311"] {
            assert!(svg.contains(text), "{text}");
        }
        let flat = [Curve { name: String::new(), points: vec![(1.0, 0.5)] }];
        assert!(Picture { curves: &flat, ..picture }.svg().unwrap().is_some());
        assert!(Picture { curves: &[], ..picture }.svg().unwrap().is_none());
    }

    #[test]
    fn numbers_on_an_axis_are_short() {
        let found = [0.0, 0.5, 12.0, 100.0, 12_345.0, 1e-5].map(short);
        assert_eq!(found, ["0", "0.5", "12", "100", "1.23e4", "1.00e-5"]);
    }
}
