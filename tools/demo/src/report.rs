// SPDX-License-Identifier: MIT OR Apache-2.0

//! What came of it.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::message::Policy;

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Rows of the symbol table, each found at the end as it was put in.
    pub symbols: u64,
    /// How many writers used the database all the time.
    pub writers: usize,
    /// What they committed, all of it found at the end.
    pub transactions: u64,
    /// The longest that an access of theirs took while no one else did anything.
    #[serde(rename = "undisturbed_ns", serialize_with = "nanoseconds")]
    pub undisturbed: Duration,
    /// Copies as anyone would take them.
    pub plain: Copies,
    /// Copies through iomd.
    pub atomic: Copies,
    /// Moves to new memory.
    pub moves: Moves,
    /// Suspensions whose controller was killed.
    pub abandoned: Vec<Abandoned>,
}

/// What came of copies.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Copies {
    /// How many were taken.
    pub copies: u64,
    /// How many of them opened as a database in a committed state.
    pub consistent: u64,
    /// The longest that an access of a writer took.
    #[serde(rename = "longest_pause_ns", serialize_with = "nanoseconds")]
    pub longest_pause: Duration,
    /// The longest that iomd suspended the memory.
    #[serde(rename = "longest_suspension_ns", serialize_with = "nanoseconds")]
    pub longest_suspension: Duration,
    /// Bytes copied.
    pub bytes: u64,
}

/// What came of moves.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Moves {
    /// How many times the database was moved.
    pub moves: u64,
    /// Transactions that were committed meanwhile.
    pub transactions: u64,
    /// The longest that an access of a writer took.
    #[serde(rename = "longest_pause_ns", serialize_with = "nanoseconds")]
    pub longest_pause: Duration,
    /// The longest that iomd suspended the memory.
    #[serde(rename = "longest_suspension_ns", serialize_with = "nanoseconds")]
    pub longest_suspension: Duration,
    /// Bytes copied.
    pub bytes: u64,
}

/// What came of a suspension whose controller was killed: what its policy says.
#[derive(Debug, Clone, Serialize)]
pub struct Abandoned {
    /// Its policy.
    pub policy: Policy,
    /// How long after the kill who waited was seen to be through with it.
    #[serde(rename = "settled_in_ns", serialize_with = "nanoseconds")]
    pub settled_in: Duration,
}

impl Report {
    /// Whether it shows what it is to show; if not, why.
    pub fn verdict(&self) -> Result<(), String> {
        let torn = self.atomic.copies - self.atomic.consistent;
        if torn > 0 {
            return Err(format!("{torn} of iomd's copies are torn"));
        }
        if self.plain.copies == self.plain.consistent {
            return Err("no plain copy is torn, so that iomd's copies prove nothing".into());
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |name: &str, cells: [&dyn fmt::Display; 5]| {
            let [count, consistent, pause, suspension, bytes] = cells.map(ToString::to_string);
            writeln!(
                f,
                "{name:<22} {count:>6} {consistent:>11} {pause:>14} {suspension:>14} {bytes:>12}"
            )
        };
        row("", [&"taken", &"consistent", &"longest pause", &"suspension", &"bytes"])?;
        row("undisturbed", [&"-", &"-", &Milliseconds(self.undisturbed), &"-", &"-"])?;
        for (name, copies) in
            [("plain copies", &self.plain), ("iomd's atomic copies", &self.atomic)]
        {
            let suspended = Milliseconds(copies.longest_suspension).to_string();
            row(
                name,
                [
                    &copies.copies,
                    &copies.consistent,
                    &Milliseconds(copies.longest_pause),
                    if copies.longest_suspension.is_zero() { &"-" } else { &suspended },
                    &Bytes(copies.bytes),
                ],
            )?;
        }
        row(
            "moves to new memory",
            [
                &self.moves.moves,
                &"-",
                &Milliseconds(self.moves.longest_pause),
                &Milliseconds(self.moves.longest_suspension),
                &Bytes(self.moves.bytes),
            ],
        )?;
        writeln!(f, "\nlongest pause: the longest that one access of a writer to the memory took")?;
        writeln!(f, "suspension: the longest that iomd kept accesses waiting\n")?;
        writeln!(f, "Controllers killed in mid-suspension, by what was to become of it then:")?;
        for Abandoned { policy, settled_in } in &self.abandoned {
            writeln!(f, "  {policy:<8}{} {}", policy.outcome(), Milliseconds(*settled_in))?;
        }
        writeln!(f)?;
        writeln!(
            f,
            "At the end all {} symbols were there, each as it was put in, and all {} transactions",
            Thousands(self.symbols),
            Thousands(self.transactions),
        )?;
        write!(
            f,
            "of {} writers, {} of them committed since the first move. No writer failed.",
            self.writers,
            Thousands(self.moves.transactions),
        )
    }
}

fn nanoseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_nanos() as u64)
}

/// A duration, for people.
pub struct Milliseconds(pub Duration);

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} ms", self.0.as_secs_f64() * 1e3)
    }
}

/// An amount of memory, for people.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} MB", self.0 as f64 / 1e6)
    }
}

/// A number with its thousands apart.
pub struct Thousands(pub u64);

impl fmt::Display for Thousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            number @ 0..1000 => write!(f, "{number}"),
            number => write!(f, "{},{:03}", Thousands(number / 1000), number % 1000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(plain: u64, atomic: u64) -> Report {
        let copies = |consistent| Copies { copies: 20, consistent, ..Copies::default() };
        Report {
            symbols: 197_553,
            writers: 3,
            transactions: 12_000_345,
            undisturbed: Duration::from_micros(1_250),
            plain: copies(plain),
            atomic: copies(atomic),
            moves: Moves::default(),
            abandoned: vec![Abandoned {
                policy: Policy::Resume,
                settled_in: Duration::from_micros(700),
            }],
        }
    }

    #[test]
    fn torn_atomic_copies_are_a_failure_and_so_is_a_plain_copy_that_is_never_torn() {
        assert_eq!(report(19, 20).verdict(), Ok(()));
        assert!(report(0, 19).verdict().unwrap_err().starts_with("1 of iomd's"));
        assert!(report(20, 20).verdict().unwrap_err().starts_with("no plain copy"));
    }

    #[test]
    fn figures_are_legible_for_people_and_exact_for_programs() {
        let report = report(0, 20);
        assert!(report.to_string().contains("197,553 symbols"));
        assert!(report.to_string().contains("12,000,345 transactions"));
        assert!(report.to_string().contains(" 1.2 ms "));
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["undisturbed_ns"], 1_250_000);
        assert_eq!(json["atomic"]["consistent"], 20);
        assert_eq!(json["abandoned"][0]["policy"], "resume");
        assert_eq!(json["abandoned"][0]["settled_in_ns"], 700_000);
    }
}
