// SPDX-License-Identifier: MIT OR Apache-2.0

//! A work, and who does it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::report::{Figure, Standing};

/// Does the work once, and says how long it took.
type Round<'a> = Box<dyn FnMut() -> Result<Duration> + 'a>;

/// A work that contestants do in turn.
pub struct Contest<'a> {
    name: &'static str,
    per: &'static str,
    units: usize,
    contestants: Vec<(Standing, Round<'a>)>,
    absent: Vec<String>,
}

impl<'a> Contest<'a> {
    /// A work that nobody does yet. In one round it is done `units` times: what is told is the time
    /// `per` one of them.
    pub fn new(name: &'static str, per: &'static str, units: usize) -> Self {
        Self { name, per, units, contestants: Vec::new(), absent: Vec::new() }
    }

    /// iomd does it.
    pub fn iomd(mut self, round: impl FnMut() -> Result<Duration> + 'a) -> Self {
        self.contestants.push((Standing::Iomd, Box::new(round)));
        self
    }

    /// The floor does it, if it is there.
    pub fn floor<R: FnMut() -> Result<Duration> + 'a>(mut self, round: Option<R>) -> Self {
        if let Some(round) = round {
            self.contestants.push((Standing::Floor, Box::new(round)));
        }
        self
    }

    /// A rival does it. `at_most` is iomd's goal, as a part of the rival's figure.
    pub fn rival<R: FnMut() -> Result<Duration> + 'a>(
        mut self,
        name: &'static str,
        at_most: Option<f64>,
        rival: impl FnOnce() -> Result<R>,
    ) -> Self {
        match rival() {
            Ok(round) => {
                let standing = Standing::Rival { name: name.into(), at_most };
                self.contestants.push((standing, Box::new(round)));
            }
            // Not every kernel has each.
            Err(error) => self.absent.push(format!("{name}: {error:#}")),
        }
        self
    }

    /// Lets all do it, each once before what counts.
    pub fn hold(mut self, rounds: usize) -> Result<Figure> {
        let mut nanoseconds = vec![Vec::new(); self.contestants.len()];
        for round in 0..=rounds {
            for ((standing, run), times) in self.contestants.iter_mut().zip(&mut nanoseconds) {
                let time = run().with_context(|| format!("{}, {standing}", self.name))?;
                if round > 0 {
                    times.push(time.as_nanos() as f64 / self.units as f64);
                }
            }
        }
        let standings = self.contestants.into_iter().map(|(standing, _)| standing);
        Ok(Figure::new(self.name, self.per, standings.zip(nanoseconds), self.absent))
    }
}

/// How long that takes.
pub fn timed(work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}
