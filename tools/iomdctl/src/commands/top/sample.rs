// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is looked at: all objects at a moment, and what became of them since the last.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Result;
use iomd::Client;
use serde::Serialize;

use crate::arguments::SortBy;
use crate::commands::list;
use crate::commands::show::{Descriptor, Map, Shown};

/// All objects at a moment.
#[derive(Debug)]
pub struct Sample {
    at: Instant,
    descriptors: Vec<Descriptor>,
    maps: Vec<Map>,
}

/// An object. Of a descriptor, what its maps have together; the longest wait is that of any.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    pub id: u64,
    pub kind: String,
    /// Of a descriptor.
    pub maps: Option<u64>,
    pub waiters: u64,
    pub longest_wait_ns: u64,
    pub redirects_per_second: f64,
    pub faults_per_second: f64,
    pub length: u64,
    /// Of a map.
    pub task: Option<i32>,
    /// Of a sub-map or a record, the map that it is part of, and that has what it has.
    pub part_of: Option<u64>,
    pub state: String,
}

/// All objects together.
#[derive(Debug, PartialEq, Serialize)]
pub struct Totals {
    descriptors: usize,
    maps: usize,
    waiters: u64,
    redirects_per_second: f64,
    faults_per_second: f64,
}

impl Sample {
    pub fn take(client: &Client) -> Result<Self> {
        // Before the calls: the time between two samples is then right but for what a sample takes.
        let at = Instant::now();
        let (mut descriptors, mut maps) = (Vec::new(), Vec::new());
        for shown in list::run(client)? {
            match shown {
                Shown::Descriptor(descriptor) => descriptors.push(descriptor),
                Shown::Map(map) => maps.push(map),
            }
        }
        Ok(Self { at, descriptors, maps })
    }

    /// All objects that are there now, by their ids.
    pub fn rows(&self, before: &Self) -> Vec<Row> {
        let elapsed = self.at.duration_since(before.at);
        let past: HashMap<_, _> = before.maps.iter().map(|map| (map.id, map)).collect();
        let maps: Vec<_> =
            self.maps.iter().map(|map| row(map, past.get(&map.id), elapsed)).collect();

        let descriptors = self.descriptors.iter().map(|descriptor| {
            let of_it =
                |(map, _): &(&Map, &Row)| map.descriptor == descriptor.id && map.part_of.is_none();
            let shown: Vec<_> = self.maps.iter().zip(&maps).filter(of_it).collect();
            let rows = || shown.iter().map(|(_, row)| row);
            let suspended = shown.iter().any(|(map, _)| map.descriptor_suspended);
            Row {
                id: descriptor.id,
                kind: descriptor.kind.clone(),
                maps: Some(descriptor.maps),
                waiters: rows().map(|row| row.waiters).sum(),
                longest_wait_ns: rows().map(|row| row.longest_wait_ns).max().unwrap_or(0),
                redirects_per_second: sum(rows().map(|row| row.redirects_per_second)),
                faults_per_second: sum(rows().map(|row| row.faults_per_second)),
                length: descriptor.length,
                task: None,
                part_of: None,
                state: if suspended { "suspended" } else { "active" }.into(),
            }
        });
        let mut rows: Vec<_> = descriptors.collect();
        rows.extend(maps);
        rows.sort_by_key(|row| row.id);
        rows
    }
}

/// What became of a map since the sample before. One that was not there then has begun at 0.
fn row(map: &Map, before: Option<&&Map>, elapsed: Duration) -> Row {
    let rate = |now: u64, counter: fn(&Map) -> u64| {
        let since = now.saturating_sub(before.map_or(0, |before| counter(before)));
        if elapsed.is_zero() { 0.0 } else { since as f64 / elapsed.as_secs_f64() }
    };
    Row {
        id: map.id,
        kind: map.kind.clone(),
        maps: None,
        waiters: map.waiters,
        longest_wait_ns: map.longest_wait_ns,
        redirects_per_second: rate(map.redirects, |map| map.redirects),
        faults_per_second: rate(map.faults, |map| map.faults),
        length: map.length,
        task: map.task,
        part_of: map.part_of,
        state: map.state(),
    }
}

/// Of nothing 0: the library's sum is -0.
fn sum(rates: impl Iterator<Item = f64>) -> f64 {
    rates.fold(0.0, |sum, rate| sum + rate)
}

impl Totals {
    pub fn of(rows: &[Row]) -> Self {
        // What a descriptor has, its maps have; and so it is with their parts.
        let maps = || rows.iter().filter(|row| row.maps.is_none() && row.part_of.is_none());
        Self {
            descriptors: rows.iter().filter(|row| row.maps.is_some()).count(),
            maps: maps().count(),
            waiters: maps().map(|row| row.waiters).sum(),
            redirects_per_second: sum(maps().map(|row| row.redirects_per_second)),
            faults_per_second: sum(maps().map(|row| row.faults_per_second)),
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { descriptors, maps, waiters, redirects_per_second, faults_per_second } = self;
        write!(f, "descriptors: {descriptors}, maps: {maps}, waiters: {waiters}, ")?;
        write!(f, "redirects/s: {redirects_per_second:.1}, faults/s: {faults_per_second:.1}")
    }
}

/// The line above the rows; a star is at the column that they are sorted by.
pub fn head(sort: SortBy) -> String {
    let name = |by, name: &str| if by == sort { format!("{name}*") } else { format!("{name} ") };
    format!(
        "{:>7} {:<7} {:>6} {:>9} {:>13} {:>9} {:>10} {:>13} {:>8}  STATE",
        name(SortBy::Id, "ID"),
        "KIND",
        name(SortBy::Maps, "MAPS"),
        name(SortBy::Waiters, "WAITERS"),
        name(SortBy::Wait, "LONGEST WAIT"),
        name(SortBy::Redirects, "REDIR/S"),
        name(SortBy::Faults, "FAULTS/S"),
        "BYTES",
        "PROCESS",
    )
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |number: Option<String>| number.unwrap_or_else(|| "-".into());
        let maps = or_none(self.maps.map(|maps| maps.to_string()));
        let task = or_none(self.task.map(|task| task.to_string()));
        let wait = format!("{:.3} ms", self.longest_wait_ns as f64 / 1e6);
        // The heads of these columns end with the star's place.
        write!(f, "{:>6}  {:<7} {maps:>5}  {:>8}  {wait:>12} ", self.id, self.kind, self.waiters)?;
        write!(f, " {:>8.1}  {:>9.1} ", self.redirects_per_second, self.faults_per_second)?;
        write!(f, " {:>13} {task:>8}  {}", self.length, self.state)
    }
}

#[cfg(test)]
pub mod tests {
    use std::sync::LazyLock;

    use super::*;

    pub fn descriptor(id: u64, maps: u64) -> Descriptor {
        let purgeable = iomd::Purgeable::NonVolatile.to_string();
        Descriptor {
            id,
            kind: "buffer".into(),
            length: 4096,
            capacity: 4096,
            resident: 4096,
            maps,
            purgeable,
            preparation: Some(1),
            tag: 0,
            parts: 0,
        }
    }

    pub fn map(id: u64, descriptor: u64) -> Map {
        Map {
            id,
            kind: "map".into(),
            descriptor,
            offset: 0,
            length: 4096,
            mapped_size: 4096,
            page_offset: 0,
            options: vec![],
            inheritance: "none".into(),
            state: "active",
            descriptor_suspended: false,
            in_kernel: false,
            unpinnable: false,
            sealed: false,
            task: None,
            address: None,
            generation: 0,
            redirects: 0,
            faults: 0,
            waiters: 0,
            waits: 0,
            longest_wait_ns: 0,
            wired: 0,
            part_of: None,
        }
    }

    /// These objects, so many milliseconds after some moment.
    pub fn sample(
        milliseconds: u64,
        descriptors: Vec<Descriptor>,
        maps: impl IntoIterator<Item = Map>,
    ) -> Sample {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        let at = *START + Duration::from_millis(milliseconds);
        Sample { at, descriptors, maps: maps.into_iter().collect() }
    }

    fn counted(redirects: u64, faults: u64) -> Map {
        Map { redirects, faults, ..map(2, 1) }
    }

    #[test]
    fn rates_are_of_the_time_between() {
        let before = sample(0, vec![descriptor(1, 1)], [counted(10, 1000)]);
        let now = sample(500, vec![descriptor(1, 1)], [counted(12, 1005)]);
        let [memory, shown] = &now.rows(&before)[..] else { panic!("two objects") };
        assert_eq!((shown.redirects_per_second, shown.faults_per_second), (4.0, 10.0));
        assert_eq!((memory.redirects_per_second, memory.faults_per_second), (4.0, 10.0));
        let totals = Totals::of(&now.rows(&before));
        assert_eq!((totals.descriptors, totals.maps), (1, 1));
        assert_eq!(totals.redirects_per_second, 4.0, "not once more for the descriptor");
    }

    #[test]
    fn who_is_new_began_at_nothing_and_who_is_gone_is_not_shown() {
        let before = sample(0, vec![], [map(7, 1)]);
        let rows = sample(2000, vec![], [counted(4, 8)]).rows(&before);
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].redirects_per_second, rows[0].faults_per_second), (2.0, 4.0));
    }

    #[test]
    fn no_time_is_no_rate() {
        let rows = sample(0, vec![], [counted(4, 8)]).rows(&sample(0, vec![], []));
        assert_eq!(rows[0].redirects_per_second, 0.0);
    }

    #[test]
    fn a_descriptor_has_what_its_maps_have() {
        let waiting = |id, descriptor, waiters, longest_wait_ns| Map {
            waiters,
            longest_wait_ns,
            descriptor_suspended: true,
            ..map(id, descriptor)
        };
        let maps = [waiting(3, 1, 2, 5), waiting(4, 1, 1, 9), waiting(5, 2, 7, 99)];
        let now = sample(1000, vec![descriptor(1, 2)], maps);
        let rows = now.rows(&sample(0, vec![], []));
        assert_eq!((rows[0].waiters, rows[0].longest_wait_ns), (3, 9));
        assert_eq!((rows[0].state.as_str(), rows[0].maps), ("suspended", Some(2)));
    }

    #[test]
    fn a_part_of_a_map_counts_for_nothing() {
        let of = |id, part_of| Map { waiters: 2, part_of, ..map(id, 1) };
        let now = sample(1000, vec![descriptor(1, 1)], [of(2, None), of(3, Some(2))]);
        let rows = now.rows(&sample(0, vec![], []));
        assert_eq!(rows.iter().map(|row| row.waiters).collect::<Vec<_>>(), [2, 2, 2]);
        let totals = Totals::of(&rows);
        assert_eq!((totals.descriptors, totals.maps, totals.waiters), (1, 1, 2));
    }

    #[test]
    fn head_and_rows_are_aligned() {
        let row = &sample(0, vec![], [map(2, 1)]).rows(&sample(0, vec![], []))[0];
        let state = |line: &str, word| line.find(word).unwrap();
        let line = row.to_string();
        assert_eq!(state(&head(SortBy::Id), "STATE"), state(&line, "active"), "{line}");
    }
}
