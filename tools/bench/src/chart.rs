// SPDX-License-Identifier: MIT OR Apache-2.0

//! Charts: a work each, with a bar for each contestant.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use crate::report::{Figure, Report, Standing};

const WIDTH: u32 = 760;
const BAR: u32 = 26;
const HEAD: u32 = 40;
const NAMES: i32 = 330;
/// Room for the number behind the longest bar.
const NUMBERS: i32 = 100;

/// Draws each figure into the directory, as an SVG file.
pub fn draw(report: &Report, directory: &Path) -> Result<()> {
    for figure in &report.figures {
        let path = directory.join(format!("{}.svg", name(&figure.work)));
        chart(figure, &path).map_err(|error| anyhow!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// A file's name for a work.
fn name(work: &str) -> String {
    let words = work.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

fn chart(figure: &Figure, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let height = HEAD + BAR * u32::try_from(figure.contestants.len())? + 10;
    let area = SVGBackend::new(path, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    let title = format!("{}: ns per {}", figure.work, figure.per);
    area.draw(&Text::new(title, (10, 12), ("sans-serif", 16)))?;

    let longest = figure.contestants.iter().map(|one| one.nanoseconds).fold(1.0, f64::max);
    let room = f64::from(WIDTH as i32 - NAMES - NUMBERS);
    for (row, contestant) in (0..).zip(&figure.contestants) {
        let top = (HEAD + BAR * row) as i32;
        let end = NAMES + (room * contestant.nanoseconds / longest) as i32;
        let colour = match contestant.standing {
            Standing::Iomd => RGBColor(0x1f, 0x6f, 0xb2),
            Standing::Floor => RGBColor(0x88, 0x88, 0x88),
            Standing::Rival { .. } => RGBColor(0xd9, 0xa4, 0x41),
        };
        let bar = [(NAMES, top), (end.max(NAMES + 1), top + BAR as i32 - 6)];
        area.draw(&Rectangle::new(bar, colour.filled()))?;
        let text = ("sans-serif", 14);
        area.draw(&Text::new(contestant.standing.to_string(), (10, top + 4), text))?;
        let number = format!("{:.0}", contestant.nanoseconds);
        area.draw(&Text::new(number, (end + 6, top + 4), text))?;
    }
    area.present()?;
    Ok(())
}
