//! `accuracy.svg`: federated, alone and central, per round.

use super::baselines::Baselines;
use crate::exit::{Kind, problem};
use color_eyre::{Result, eyre::WrapErr};
use decentralml_simulator::plot::{COLORS, legend};
use plotters::prelude::*;
use std::{error::Error, fs, path::Path};

const SIZE: (u32, u32) = (800, 480);
const LABEL: (&str, u32) = ("sans-serif", 18);
const FEDERATED: RGBColor = COLORS[0];
const CENTRAL: RGBColor = COLORS[2];
const ALONE: RGBColor = RGBColor(170, 170, 170);

/// Draws the curves into a file.
pub fn draw(federated: &[f64], baselines: &Baselines, path: &Path) -> Result<()> {
    let svg = picture(federated, baselines)
        .map_err(|error| problem(Kind::Other, format!("the picture cannot be drawn: {error}")))?;
    fs::write(path, svg).wrap_err_with(|| format!("{} cannot be written", path.display()))
}

fn picture(
    federated: &[f64],
    baselines: &Baselines,
) -> std::result::Result<String, Box<dyn Error>> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let rounds = federated.len().max(2);
        let mut chart = ChartBuilder::on(&area)
            .caption("Accuracy on rows that nobody has seen", ("sans-serif", 26))
            .margin(16)
            .x_label_area_size(48)
            .y_label_area_size(60)
            .build_cartesian_2d(1_f64..rounds as f64, 0_f64..100_f64)?;
        chart
            .configure_mesh()
            .label_style(LABEL)
            .axis_desc_style(LABEL)
            .x_desc("round")
            .y_desc("%")
            .x_labels(rounds.min(15))
            .x_label_formatter(&|round| format!("{round:.0}"))
            .y_label_formatter(&|percent| format!("{percent:.0}"))
            .light_line_style(RGBColor(240, 240, 240))
            .draw()?;
        let alone = baselines.alone.iter().map(|curve| ("alone", ALONE, curve.as_slice(), 1));
        let others = [
            ("central", CENTRAL, baselines.central.as_slice(), 2),
            ("federated", FEDERATED, federated, 3),
        ];
        for (index, (name, color, curve, width)) in alone.chain(others).enumerate() {
            let points = (1..).zip(curve).map(|(round, share)| (f64::from(round), share * 100.0));
            let line = chart.draw_series(LineSeries::new(points, color.stroke_width(width)))?;
            // All who are alone share one entry.
            if index == 0 || name != "alone" {
                line.label(name).legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 20, y)], color.stroke_width(width))
                });
            }
        }
        legend(&mut chart, SeriesLabelPosition::LowerRight, LABEL)?;
        area.present()?;
    }
    Ok(svg)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_curve_and_its_name_are_in_the_picture() {
        let baselines =
            Baselines { central: vec![0.9, 0.97], alone: vec![vec![0.5, 0.6], vec![0.4, 0.7]] };
        let svg = picture(&[0.8, 0.95], &baselines).unwrap();
        for name in ["federated", "central", "alone", "round"] {
            assert!(svg.contains(name), "{name}");
        }
        // A line for each curve, and one in the legend for each name.
        for (color, lines) in [("#005AB5", 2), ("#228833", 2), ("#AAAAAA", 3)] {
            let found = svg.matches(&format!("stroke=\"{color}\"")).count();
            assert_eq!(found, lines, "{color}");
        }
        assert!(picture(&[0.5], &Baselines { central: vec![0.5], alone: vec![] }).is_ok());
    }
}
