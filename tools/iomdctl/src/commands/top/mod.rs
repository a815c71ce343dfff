// SPDX-License-Identifier: MIT OR Apache-2.0

//! `top`: all objects again and again, those first that have most of something.

mod live;
mod sample;

use std::fmt;
use std::io::{self, IsTerminal};
use std::thread;

use anyhow::Result;
use iomd::Client;
use serde::Serialize;

use crate::arguments::{SortBy, Top};
use crate::output;
use sample::{Row, Sample, Totals};

/// What is shown at a time.
#[derive(Debug, Serialize)]
struct Table {
    totals: Totals,
    sort: SortBy,
    objects: Vec<Row>,
}

pub fn run(client: &Client, arguments: &Top, json: bool) -> Result<()> {
    let count = if arguments.once { Some(1) } else { arguments.count };
    if count.is_none() && !json && io::stdout().is_terminal() {
        return live::run(client, arguments);
    }

    let mut before = Sample::take(client)?;
    let mut left = count;
    while left != Some(0) {
        thread::sleep(arguments.interval);
        let now = Sample::take(client)?;
        let table = Table::new(&before, &now, arguments.sort);
        if !output::item(&table, json)? {
            break;
        }
        left = left.map(|left| left - 1);
        if !json && left != Some(0) && !output::print("")? {
            break;
        }
        before = now;
    }
    Ok(())
}

impl Table {
    fn new(before: &Sample, now: &Sample, sort: SortBy) -> Self {
        let mut objects = now.rows(before);
        sort_rows(&mut objects, sort);
        Self { totals: Totals::of(&objects), sort, objects }
    }
}

/// Puts those first that have most; of equal ones the older.
fn sort_rows(rows: &mut [Row], by: SortBy) {
    rows.sort_by(|a, b| {
        let most_first = match by {
            SortBy::Id => std::cmp::Ordering::Equal,
            SortBy::Maps => b.maps.cmp(&a.maps),
            SortBy::Waiters => b.waiters.cmp(&a.waiters),
            SortBy::Wait => b.longest_wait_ns.cmp(&a.longest_wait_ns),
            SortBy::Redirects => b.redirects_per_second.total_cmp(&a.redirects_per_second),
            SortBy::Faults => b.faults_per_second.total_cmp(&a.faults_per_second),
        };
        most_first.then(a.id.cmp(&b.id))
    });
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.totals)?;
        writeln!(f, "{}", sample::head(self.sort))?;
        self.objects.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}

#[cfg(test)]
mod tests {
    use super::sample::tests::{descriptor, map, sample};
    use super::*;

    fn order(sort: SortBy) -> Vec<u64> {
        let maps = |redirects, faults| {
            let of = |id, waiters, longest_wait_ns, own: [u64; 2]| {
                let mut map = map(id, 1);
                (map.waiters, map.longest_wait_ns) = (waiters, longest_wait_ns);
                (map.redirects, map.faults) = (own[0], own[1]);
                map
            };
            [of(3, 0, 500, [redirects, 0]), of(4, 9, 0, [0, 0]), of(5, 1, 7, [0, faults])]
        };
        let memory = || vec![descriptor(1, 3), descriptor(2, 0)];
        let before = sample(0, memory(), maps(100, 100));
        let now = sample(1000, memory(), maps(101, 105));
        Table::new(&before, &now, sort).objects.iter().map(|row| row.id).collect()
    }

    #[test]
    fn those_come_first_that_have_most() {
        assert_eq!(order(SortBy::Id), [1, 2, 3, 4, 5]);
        // A descriptor has what its maps have together.
        assert_eq!(order(SortBy::Maps), [1, 2, 3, 4, 5]);
        assert_eq!(order(SortBy::Waiters), [1, 4, 5, 2, 3]);
        assert_eq!(order(SortBy::Wait), [1, 3, 5, 2, 4]);
        assert_eq!(order(SortBy::Redirects), [1, 3, 2, 4, 5]);
        assert_eq!(order(SortBy::Faults), [1, 5, 2, 3, 4]);
    }

    #[test]
    fn the_column_that_decides_is_marked() {
        let before = sample(0, vec![], []);
        let table = Table::new(&before, &sample(1000, vec![], []), SortBy::Waiters);
        assert!(table.to_string().contains("WAITERS*"), "{table}");
    }
}
