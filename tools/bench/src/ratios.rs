// SPDX-License-Identifier: MIT OR Apache-2.0

//! What iomd's times were as multiples of the floor's, to be compared with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::report::Report;

/// What may be between two runs of the same program.
const TOLERANCE: f64 = 0.01;

/// iomd's times as multiples of the floor's.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Ratios {
    kernel: String,
    ratios: BTreeMap<String, f64>,
}

impl Ratios {
    /// Those of a report, to three digits.
    pub fn of(report: &Report) -> Self {
        let ratios = report.figures.iter().filter_map(|figure| {
            Some((figure.work.clone(), (figure.to_floor()? * 1000.0).round() / 1000.0))
        });
        Self { kernel: report.kernel.clone(), ratios: ratios.collect() }
    }

    /// What is worse in `now`, or missing there; a line each.
    pub fn regressions(&self, now: &Self) -> Vec<String> {
        self.ratios
            .iter()
            .filter_map(|(work, before)| match now.ratios.get(work) {
                None => Some(format!("{work}: it was not measured")),
                Some(ratio) if *ratio > before * (1.0 + TOLERANCE) => Some(format!(
                    "{work}: {ratio:.3} of the floor on {}; it was {before:.3} on {}",
                    now.kernel, self.kernel
                )),
                Some(_) => None,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratios(ratio: f64) -> Ratios {
        Ratios { kernel: "7".into(), ratios: [("touch".to_owned(), ratio)].into() }
    }

    #[test]
    fn only_what_is_worse_is_told() {
        let before = ratios(1.0);
        assert!(before.regressions(&ratios(1.009)).is_empty());
        assert!(before.regressions(&ratios(0.5)).is_empty());
        assert_eq!(before.regressions(&ratios(1.02)).len(), 1);
    }

    #[test]
    fn what_is_not_measured_is_told() {
        let none = Ratios { kernel: "7".into(), ratios: BTreeMap::new() };
        assert_eq!(ratios(1.0).regressions(&none).len(), 1);
        assert!(none.regressions(&ratios(1.0)).is_empty());
    }
}
