// SPDX-License-Identifier: GPL-2.0

//! How often each page of an object is wired, as runs of pages: wirings nest.

use super::range::PageRange;

/// Pages `[start, end)`, each of which is wired so often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub start: usize,
    pub end: usize,
    pub count: u32,
}

/// Why the pages of a range cannot be wired once more, or once less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireError<E> {
    /// One is wired as often as can be counted.
    TooOften,
    /// One is not wired.
    NotWired,
    /// The caller's own.
    Refused(E),
}

/// Calls `emit` with each run that there is when the pages of `range` are wired once more than `runs`
/// says. Runs are in order, apart, and of equal counts only if they do not touch.
pub fn wire<E>(
    runs: &[Run],
    range: PageRange,
    emit: impl FnMut(Run) -> Result<(), E>,
) -> Result<(), WireError<E>> {
    change(
        runs,
        range,
        |count| count.checked_add(1).ok_or(WireError::TooOften),
        emit,
    )
}

/// As [`wire`], for once less.
pub fn unwire<E>(
    runs: &[Run],
    range: PageRange,
    emit: impl FnMut(Run) -> Result<(), E>,
) -> Result<(), WireError<E>> {
    change(
        runs,
        range,
        |count| count.checked_sub(1).ok_or(WireError::NotWired),
        emit,
    )
}

/// How many pages are wired.
pub fn pages(runs: &[Run]) -> usize {
    runs.iter()
        .map(|run| run.end.saturating_sub(run.start))
        .fold(0, usize::saturating_add)
}

fn change<E>(
    runs: &[Run],
    range: PageRange,
    step: impl Fn(u32) -> Result<u32, WireError<E>>,
    emit: impl FnMut(Run) -> Result<(), E>,
) -> Result<(), WireError<E>> {
    let (from, to) = (range.start(), range.last().saturating_add(1));
    let mut joined = Joined { last: None, emit };
    // The first page of the range that is not dealt with.
    let mut at = from;

    for run in runs {
        joined.push(run.start, run.end.min(from), run.count)?;
        let gap = run.start.min(to);
        if at < gap {
            joined.push(at, gap, step(0)?)?;
            at = gap;
        }
        let end = run.end.min(to);
        if at < end {
            joined.push(at, end, step(run.count)?)?;
            at = end;
        }
        joined.push(run.start.max(to), run.end, run.count)?;
    }
    if at < to {
        joined.push(at, to, step(0)?)?;
    }
    joined.finish()
}

/// Joins runs of equal counts that touch.
struct Joined<F> {
    last: Option<Run>,
    emit: F,
}

impl<F> Joined<F> {
    fn push<E>(&mut self, start: usize, end: usize, count: u32) -> Result<(), WireError<E>>
    where
        F: FnMut(Run) -> Result<(), E>,
    {
        if start >= end || count == 0 {
            return Ok(());
        }
        match &mut self.last {
            Some(last) if last.end == start && last.count == count => last.end = end,
            last => {
                if let Some(last) = last.replace(Run { start, end, count }) {
                    (self.emit)(last).map_err(WireError::Refused)?;
                }
            }
        }
        Ok(())
    }

    fn finish<E>(mut self) -> Result<(), WireError<E>>
    where
        F: FnMut(Run) -> Result<(), E>,
    {
        self.last
            .map_or(Ok(()), |last| (self.emit)(last))
            .map_err(WireError::Refused)
    }
}

#[cfg(test)]
mod tests {
    use super::super::range::PAGE_SIZE;
    use super::*;
    use proptest::prelude::*;

    const PAGES: usize = 12;

    fn range(start: usize, pages: usize) -> PageRange {
        let object = PageRange::object(PAGES as u64 * PAGE_SIZE).unwrap();
        object.slice(start, pages).unwrap()
    }

    fn after(
        runs: &[Run],
        range: PageRange,
        wires: bool,
    ) -> Result<Vec<Run>, WireError<core::convert::Infallible>> {
        let mut result = Vec::new();
        let emit = |run| {
            result.push(run);
            Ok(())
        };
        if wires {
            wire(runs, range, emit)?;
        } else {
            unwire(runs, range, emit)?;
        }
        Ok(result)
    }

    #[test]
    fn what_is_wired_most_often_is_not_wired_more() {
        let runs = [Run {
            start: 2,
            end: 3,
            count: u32::MAX,
        }];
        assert_eq!(after(&runs, range(0, 4), true), Err(WireError::TooOften));
        assert!(after(&runs, range(3, 4), true).is_ok());
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        assert_eq!(
            wire(&[], range(0, 1), |_| Err(7)),
            Err(WireError::Refused(7))
        );
    }

    proptest! {
        #[test]
        fn every_page_is_counted(
            steps in prop::collection::vec((0..PAGES, 1..=PAGES, any::<bool>()), 0..40)
        ) {
            let (mut runs, mut counts) = (Vec::new(), [0_u32; PAGES]);
            for (start, pages, wires) in steps {
                let pages = pages.min(PAGES - start);
                let touched = start..start + pages;
                let expected = wires || counts[touched.clone()].iter().all(|count| *count > 0);
                match after(&runs, range(start, pages), wires) {
                    Ok(new) => {
                        prop_assert!(expected);
                        runs = new;
                        for count in &mut counts[touched] {
                            *count = if wires { *count + 1 } else { *count - 1 };
                        }
                    }
                    Err(error) => {
                        prop_assert!(!expected);
                        prop_assert_eq!(error, WireError::NotWired);
                    }
                }
                let mut told = [0; PAGES];
                for run in &runs {
                    prop_assert!(run.start < run.end && run.count > 0);
                    for count in &mut told[run.start..run.end] {
                        *count += run.count;
                    }
                }
                prop_assert_eq!(told, counts);
                prop_assert_eq!(super::pages(&runs), counts.iter().filter(|count| **count > 0).count());
                for pair in runs.windows(2) {
                    prop_assert!(pair[0].end < pair[1].start
                        || pair[0].end == pair[1].start && pair[0].count != pair[1].count);
                }
            }
        }
    }
}
