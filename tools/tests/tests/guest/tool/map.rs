// SPDX-License-Identifier: MIT OR Apache-2.0

//! Mapping into a process.

use serde_json::{Value, json};

use crate::support::tool::run;
use crate::support::{Child, PAGE, Region, painted, unique};

const TAG: u64 = 0x0100;

/// A process that reads where it is told.
fn reader() -> Child {
    Child::fork(|parent| {
        while let Some(address) = parent.listen() {
            parent.say(Region::at(address as usize, 8).read(0));
        }
    })
}

fn mapped(arguments: &[&str]) -> Value {
    let (status, text) = run(&[&["--json", "map"], arguments].concat());
    assert_eq!(status, 0, "{text}");
    serde_json::from_str(&text).expect("it is JSON")
}

#[test]
fn a_descriptor_is_mapped_and_stays_so() {
    let memory = painted(3, TAG);
    let place = Region::reserve(4);
    let (id, child) = (memory.id().unwrap().to_string(), reader());
    let pid = child.pid().as_raw_nonzero().to_string();
    let offset = PAGE.to_string();
    let at = format!("{:#x}", place.address());

    let first = mapped(&[&id, "--task", &pid, "--offset", &offset, "--unique"]);
    child.say(first["address"].as_u64().unwrap());
    assert_eq!(child.hear(), TAG + 1);
    assert_eq!(first["process"], json!(child.pid().as_raw_nonzero().get()));
    assert_eq!(memory.info().unwrap().maps, 1);

    // What is reserved here is so in the child too.
    let (status, text) = run(&["--json", "map", &id, "--task", &pid, "--at", &at]);
    assert_eq!(status, 1);
    assert!(text.contains("something is mapped at that address"), "{text}");
    assert_eq!(memory.info().unwrap().maps, 1, "the map that was made is gone");
    child.kill();
    crate::support::eventually("the map goes with the process", || {
        memory.info().unwrap().maps == 0
    });
}

#[test]
fn a_map_is_mapped_as_it_is() {
    let map = unique(&painted(2, TAG));
    let (id, child) = (map.id().unwrap(), reader());
    let pid = child.pid().as_raw_nonzero().to_string();
    let there = mapped(&[&id.to_string(), "--task", &pid]);
    assert_eq!(there["map"], json!(id));
    child.say(there["address"].as_u64().unwrap());
    assert_eq!(child.hear(), TAG);
    map.redirect(&painted(2, 2 * TAG)).run().unwrap();
    child.say(there["address"].as_u64().unwrap());
    assert_eq!(child.hear(), 2 * TAG);
}
