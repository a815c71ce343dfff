// SPDX-License-Identifier: MIT OR Apache-2.0

//! What came of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// All figures.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    /// Of the kernel.
    pub kernel: String,
    /// How many processors there are.
    pub processors: usize,
    /// A work each.
    pub figures: Vec<Figure>,
}

/// How long everybody took for a work.
#[derive(Debug, Serialize, Deserialize)]
pub struct Figure {
    /// The work.
    pub work: String,
    /// What the times are for.
    pub per: String,
    /// The contestants, in the order in which they took turns.
    pub contestants: Vec<Contestant>,
    /// Who is not on this machine, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
}

/// How long one took.
#[derive(Debug, Serialize, Deserialize)]
pub struct Contestant {
    /// Who it is.
    #[serde(flatten)]
    pub standing: Standing,
    /// The median, in nanoseconds.
    pub nanoseconds: f64,
    /// The shortest and the longest time.
    pub spread: [f64; 2],
}

/// Who it is to iomd.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "standing", rename_all = "lowercase")]
pub enum Standing {
    /// What the kernel itself takes.
    Floor,
    /// iomd.
    Iomd,
    /// Another way to do the same.
    Rival {
        /// What it is called.
        name: String,
        /// iomd's goal, as a part of its time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_most: Option<f64>,
    },
}

impl Figure {
    pub(crate) fn new(
        work: &str,
        per: &str,
        times: impl Iterator<Item = (Standing, Vec<f64>)>,
        absent: Vec<String>,
    ) -> Self {
        let contestants = times.map(|(standing, mut times)| {
            times.sort_by(f64::total_cmp);
            let (first, last) = (times.first(), times.last());
            Contestant {
                standing,
                nanoseconds: times.get(times.len() / 2).copied().unwrap_or_default(),
                spread: [first.copied().unwrap_or_default(), last.copied().unwrap_or_default()],
            }
        });
        Self { work: work.into(), per: per.into(), contestants: contestants.collect(), absent }
    }

    fn of(&self, who: impl Fn(&Standing) -> bool) -> Option<f64> {
        let contestant = self.contestants.iter().find(|contestant| who(&contestant.standing))?;
        Some(contestant.nanoseconds)
    }

    /// iomd's time.
    pub fn iomd(&self) -> Option<f64> {
        self.of(|standing| matches!(standing, Standing::Iomd))
    }

    /// iomd's time as a multiple of the floor's.
    pub fn to_floor(&self) -> Option<f64> {
        Some(self.iomd()? / self.of(|standing| matches!(standing, Standing::Floor))?)
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Standing::Floor => f.pad("floor"),
            Standing::Iomd => f.pad("iomd"),
            Standing::Rival { name, .. } => f.pad(name),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Linux {}, processors: {}", self.kernel, self.processors)?;
        for figure in &self.figures {
            writeln!(f, "\n{}, ns per {}", figure.work, figure.per)?;
            for contestant in &figure.contestants {
                let time = contestant.nanoseconds;
                let [low, high] = contestant.spread;
                write!(f, "  {:<44} {time:>12.1}", contestant.standing)?;
                match (&contestant.standing, figure.iomd()) {
                    (Standing::Iomd, _) | (_, None) => write!(f, "{:>22}", "")?,
                    (Standing::Floor, Some(iomd)) => {
                        write!(f, "  iomd: {:>6.3} of it", iomd / time)?
                    }
                    (Standing::Rival { at_most, .. }, Some(iomd)) => {
                        write!(f, "  iomd: {:>6.3} of it", iomd / time)?;
                        if let Some(at_most) = at_most {
                            write!(f, ", goal {at_most}")?;
                        }
                    }
                }
                // Where they differ at all.
                if high - low > time / 100.0 {
                    write!(f, "  ({low:.1} to {high:.1})")?;
                }
                writeln!(f)?;
            }
            for absent in &figure.absent {
                writeln!(f, "  not here: {absent}")?;
            }
        }
        Ok(())
    }
}
