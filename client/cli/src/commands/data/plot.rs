//! A picture of divided rows: a bar for each part, its classes on top of each other.

use crate::exit::{Kind, problem};
use color_eyre::{Result, eyre::WrapErr};
use decentralml_learning::Dataset;
use decentralml_simulator::plot::{COLORS, legend};
use plotters::prelude::*;
use std::{error::Error, fs, path::Path};

const SIZE: (u32, u32) = (900, 480);
const LABEL: (&str, u32) = ("sans-serif", 16);
/// Classes that the legend has; more would not fit.
const NAMED: usize = 20;

/// Draws the parts into a file.
pub fn draw(parts: &[Dataset], title: &str, path: &Path) -> Result<()> {
    let svg = picture(parts, title)
        .map_err(|error| problem(Kind::Other, format!("the picture cannot be drawn: {error}")))?;
    fs::write(path, svg).wrap_err_with(|| format!("{} cannot be written", path.display()))
}

fn picture(parts: &[Dataset], title: &str) -> std::result::Result<String, Box<dyn Error>> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let most = parts.iter().map(Dataset::rows).max().unwrap_or(0).max(1);
        let mut chart = ChartBuilder::on(&area)
            .caption(title, ("sans-serif", 24))
            .margin(16)
            .x_label_area_size(44)
            .y_label_area_size(72)
            .build_cartesian_2d(0.5_f64..parts.len() as f64 + 0.5, 0_f64..most as f64 * 1.02)?;
        chart
            .configure_mesh()
            .label_style(LABEL)
            .axis_desc_style(LABEL)
            .x_desc("part")
            .y_desc("rows")
            .x_labels(parts.len().min(20))
            .x_label_formatter(&|part| format!("{part:.0}"))
            .y_label_formatter(&|rows| format!("{rows:.0}"))
            .disable_x_mesh()
            .light_line_style(RGBColor(240, 240, 240))
            .draw()?;
        let classes = parts.iter().map(Dataset::classes).max().unwrap_or(0);
        let counts: Vec<Vec<usize>> = parts.iter().map(Dataset::class_counts).collect();
        let mut below = vec![0; parts.len()];
        for (class, color) in (0..classes).zip(COLORS.iter().cycle()) {
            let mut bars = Vec::new();
            for ((part, counts), below) in (1..).zip(&counts).zip(&mut below) {
                let count = counts.get(class).copied().unwrap_or(0);
                if count == 0 {
                    continue;
                }
                let (start, end) = (*below as f64, (*below + count) as f64);
                *below += count;
                let place = f64::from(part);
                bars.push(Rectangle::new(
                    [(place - 0.42, start), (place + 0.42, end)],
                    color.filled(),
                ));
            }
            let series = chart.draw_series(bars)?;
            if class < NAMED && classes > 1 {
                let names = parts.first().map(Dataset::names).unwrap_or_default();
                let name = names.get(class).cloned().unwrap_or_else(|| class.to_string());
                series.label(name).legend(move |(x, y)| {
                    Rectangle::new([(x, y - 5), (x + 14, y + 5)], color.filled())
                });
            }
        }
        if classes > 1 {
            legend(&mut chart, SeriesLabelPosition::UpperRight, LABEL)?;
        }
        area.present()?;
    }
    Ok(svg)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_part_and_class_has_its_bar() {
        let data = decentralml_learning::data::digits().unwrap();
        let parts = data.partition_iid(3, [1; 32]).unwrap();
        let svg = picture(&parts, "IID").unwrap();
        for color in ["#005AB5", "#282828"] {
            // A bar in each part, and one in the legend.
            assert_eq!(svg.matches(&format!("fill=\"{color}\"")).count(), 4, "{color}");
        }
        assert!(svg.contains("IID") && svg.contains("part") && svg.contains("rows"));
        assert_eq!(picture(&parts, "IID").unwrap(), svg);
        let many = data.partition_iid(100, [1; 32]).unwrap();
        assert!(picture(&many, "many").is_ok());
    }
}
