// SPDX-License-Identifier: MIT OR Apache-2.0

//! What root sees in debugfs: all objects, a line each.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;

use iomd::{Deadline, Map};

use crate::support::{
    Child, PAGE, User, await_waiters, buffer, client, eventually, painted, unique,
};

const DESCRIPTORS: &str = "/sys/kernel/debug/iomd/descriptors";
const MAPS: &str = "/sys/kernel/debug/iomd/maps";
const TASKS: &str = "/sys/kernel/debug/iomd/tasks";

/// The lines of a table by their ids, and their words by the names of the columns.
fn table(text: &str) -> HashMap<u64, HashMap<&str, &str>> {
    let mut lines = text.lines().map(str::split_whitespace);
    let head: Vec<_> = lines.next().expect("a head").collect();
    let rows = lines.map(|words| {
        let words: Vec<_> = words.collect();
        assert_eq!(words.len(), head.len(), "a word for each of {head:?}: {words:?}");
        head.iter().copied().zip(words).collect::<HashMap<_, _>>()
    });
    rows.map(|row| (row["id"].parse().expect("an id"), row)).collect()
}

/// What a table says in a column about an object.
fn value(file: &str, id: u64, column: &str) -> Option<String> {
    let text = fs::read_to_string(file).expect("root reads it");
    table(&text).get(&id).map(|row| row[column].to_owned())
}

#[test]
fn descriptors_are_shown() {
    let memory = client().sparse_buffer(8 * PAGE as u64).unwrap();
    let id = memory.id().unwrap();
    let map = unique(&memory);
    map.mmap().unwrap().store_u64(0, 1);
    let text = fs::read_to_string(DESCRIPTORS).unwrap();
    let table = table(&text);
    let row = &table[&id];
    assert_eq!((row["kind"], row["length"], row["resident"]), ("buffer", "32768", "4096"));
    assert_eq!((row["maps"], row["uid"], row["state"]), ("1", "0", "live"));

    memory.suspend().unwrap();
    assert_eq!(value(DESCRIPTORS, id, "state").unwrap(), "suspended");
    memory.suspend_with().deadline(Deadline::from_nanoseconds(1)).run().unwrap();
    assert_eq!(value(DESCRIPTORS, id, "state").unwrap(), "expired");
    memory.resume().unwrap();
    drop((memory, map));
    assert_eq!(value(DESCRIPTORS, id, "state"), None);
}

#[test]
fn maps_are_shown() {
    let memory = painted(4, 0);
    let map = memory.map().offset(PAGE as u64).length(100).unique(true).create().unwrap();
    let id = map.id().unwrap();
    let another = map.reopen().unwrap();
    let user = User::of(&map);
    map.redirect(&memory).offset(2 * PAGE as u64).run().unwrap();
    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);

    let text = fs::read_to_string(MAPS).unwrap();
    let table = table(&text);
    let (row, info) = (&table[&id], map.info().unwrap());
    assert_eq!(row["descriptor"], memory.id().unwrap().to_string());
    assert_eq!((row["offset"], row["length"], row["handles"]), ("8192", "100", "2"));
    assert_eq!(
        (row["process"], row["address"]),
        (&*user.pid().to_string(), &*format!("{:#x}", info.address.unwrap()))
    );
    assert_eq!((row["redirects"], row["waiters"], row["waits"]), ("1", "1", "1"));
    assert_eq!(row["state"], "suspended");
    map.resume().unwrap();
    user.finish();
    let longest = map.info().unwrap().longest_wait.as_nanos();
    assert_eq!(value(MAPS, id, "longest_wait_ns").unwrap(), longest.to_string());
    drop(another);
}

#[test]
fn parts_of_maps_are_shown() {
    let memory = painted(4, 0);
    let task = client().own_task().unwrap();
    let map = memory.map().create().unwrap();
    let mapping = map.mmap().unwrap();
    let address = mapping.as_ptr().addr() + PAGE;
    let look_up = memory.map_in_task(&task).offset(PAGE as u64).length(100);
    let part = look_up.clone().reference(true).create().unwrap();
    let record = look_up.set_mapping(address as u64).unwrap();

    let number = map.id().unwrap().to_string();
    let text = fs::read_to_string(MAPS).unwrap();
    let table = table(&text);
    assert_eq!(
        (table[&map.id().unwrap()]["kind"], table[&map.id().unwrap()]["part_of"]),
        ("map", "0")
    );
    for (map, kind) in [(&part, "sub-map"), (&record, "record")] {
        let row = &table[&map.id().unwrap()];
        assert_eq!((row["kind"], row["part_of"]), (kind, &*number));
        assert_eq!((row["offset"], row["length"], row["handles"]), ("4096", "100", "0"));
        let process = std::process::id().to_string();
        assert_eq!((row["process"], row["address"]), (&*process, &*format!("{address:#x}")));
        assert_eq!((row["descriptor"], row["state"]), (&*memory.id().unwrap().to_string(), "live"));
    }
    drop(mapping);
    assert_eq!(value(MAPS, part.id().unwrap(), "address").unwrap(), "0x0");
}

#[test]
fn tasks_are_shown() {
    let of = |process: &str| {
        let text = fs::read_to_string(TASKS).unwrap();
        let table = table(&text);
        let mut rows = table.values().filter(|row| row["process"] == process);
        (rows.next().map(|row| row["state"].to_owned()), rows.count())
    };
    let child = Child::fork(|parent| {
        parent.send(client().own_task().unwrap());
        parent.listen();
    });
    let process = child.pid().as_raw_nonzero().to_string();
    let task = child.receive::<iomd::Task>();
    assert_eq!(of(&process), (Some("live".into()), 0));
    child.kill();
    eventually("it is dead", || of(&process) == (None, 0));
    assert_eq!(of("0"), (Some("dead".into()), 0));
    drop(task);
    assert_eq!(of("0"), (None, 0));
}

#[test]
fn states_of_maps_are_spelled_out() {
    let memory = buffer(1);
    let state = |map: &Map| value(MAPS, map.id().unwrap(), "state").unwrap();
    let map = unique(&memory);
    assert_eq!(state(&map), "live");
    memory.suspend().unwrap();
    assert_eq!(state(&map), "live,descriptor-suspended");
    map.suspend_with().deadline(Deadline::from_nanoseconds(1)).run().unwrap();
    assert_eq!(state(&map), "expired,descriptor-suspended");
    memory.resume().unwrap();
    map.resume().unwrap();
    map.seal().unwrap();
    assert_eq!(state(&map), "live,sealed");
    map.unmap().unwrap();
    assert_eq!(state(&map), "ended,sealed");
}

#[test]
fn only_root_reads_it() {
    for file in [DESCRIPTORS, MAPS, TASKS] {
        let mode = fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o400, "{file}");
    }
}

/// More than fits into a buffer of the kernel's; while it is read, some go and some come.
#[test]
fn who_reads_goes_on_where_he_was() {
    let memory = buffer(1);
    let mut maps: Vec<_> = (0..200).map(|_| unique(&memory)).collect();
    let ids: Vec<_> = maps.iter().map(|map| map.id().unwrap()).collect();
    let mut reader = BufReader::with_capacity(512, File::open(MAPS).unwrap());
    let mut text = String::new();
    while !text.lines().any(|line| line.trim_start().starts_with(&format!("{} ", ids[20]))) {
        assert_ne!(reader.read_line(&mut text).unwrap(), 0, "{text}");
    }
    // Not those that the kernel may have printed already.
    let gone: Vec<_> = maps.drain(100..150).map(|map| map.id().unwrap()).collect();
    let late = unique(&memory).id().unwrap();
    let new = unique(&memory);
    reader.read_to_string(&mut text).unwrap();

    let shown: Vec<_> = text
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().next().unwrap().parse::<u64>().unwrap())
        .collect();
    assert!(shown.is_sorted_by(|a, b| a < b), "{shown:?}");
    for id in ids.iter().filter(|id| !gone.contains(id)) {
        assert!(shown.contains(id), "map {id} is missing");
    }
    for id in gone.iter().chain([&late]) {
        assert!(!shown.contains(id), "map {id} has gone");
    }
    assert!(shown.contains(&new.id().unwrap()));
}
