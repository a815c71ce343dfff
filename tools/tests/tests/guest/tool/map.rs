// SPDX-License-Identifier: MIT OR Apache-2.0

//! Mapping into a process.

use iomd::MapOptions;
use serde_json::{Value, json};

use crate::support::tool::run;
use crate::support::{Child, PAGE, Region, client, painted, proc, unique};

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
fn a_new_map_has_options() {
    let memory = client().sparse_buffer(2 * PAGE as u64).unwrap();
    let (id, child) = (memory.id().unwrap().to_string(), reader());
    let pid = child.pid().as_raw_nonzero().to_string();
    let first = mapped(&[&id, "--task", &pid, "--guards", "large", "--prefault"]);
    assert_eq!(memory.info().unwrap().resident, 2 * PAGE as u64);
    let address = first["address"].as_u64().unwrap() as usize;
    proc::assert_guarded(child.pid(), address..address + 2 * PAGE, 64 << 10);
    let map = client().open_map(first["map"].as_u64().unwrap()).unwrap();
    let options = MapOptions::ANYWHERE | MapOptions::PREFAULT | MapOptions::GUARDED_LARGE;
    assert_eq!(map.info().unwrap().options, options);

    let other = painted(1, TAG).map().keep(true).create().unwrap();
    let other = other.info().unwrap().descriptor_id.to_string();
    let at = format!("{address:#x}");
    let there = mapped(&[&other, "--task", &pid, "--at", &at, "--overwrite"]);
    assert_eq!(there["address"], first["address"]);
    child.say(address as u64);
    assert_eq!(child.hear(), TAG);

    // A map that is there has its options already.
    let number = first["map"].to_string();
    for option in [&["--prefault"][..], &["--guards", "small"], &["--unique"]] {
        let (status, text) = run(&[&["map", &number, "--task", &pid], option].concat());
        assert_eq!(status, 4, "{text}");
    }
    let (status, _) = run(&["map", &id, "--task", &pid, "--at", &at, "--guards", "small"]);
    assert_eq!(status, 2);
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
