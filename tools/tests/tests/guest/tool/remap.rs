// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory of a process in another place as well.

use rustix::mm::MprotectFlags;
use serde_json::{Value, json};

use crate::support::tool::run;
use crate::support::{Child, PAGE, Region};

const TAG: u64 = 0x0100;

/// A process with a page of its own, which reads and writes where it is told.
fn process() -> (Child, String, u64) {
    let child = Child::fork(|parent| {
        let region = Region::reserve(1);
        region.protect(MprotectFlags::READ | MprotectFlags::WRITE).unwrap();
        region.write(0, TAG);
        parent.say(region.address() as u64);
        while let Some(address) = parent.listen() {
            let region = Region::at(address as usize, 8);
            region.write(0, region.read(0) + 1);
            parent.say(region.read(0));
        }
    });
    let pid = child.pid().as_raw_nonzero().to_string();
    let address = child.hear();
    (child, pid, address)
}

fn remapped(arguments: &[&str]) -> Value {
    let (status, text) = run(&[&["--json", "remap"], arguments].concat());
    assert_eq!(status, 0, "{text}");
    serde_json::from_str(&text).expect("it is JSON")
}

fn count(child: &Child, address: u64) -> u64 {
    child.say(address);
    child.hear()
}

#[test]
fn one_process_s_memory_in_another() {
    let ((source, from, address), (target, into, _)) = (process(), process());
    let (there, length) = (format!("{address:#x}"), PAGE.to_string());
    let same = remapped(&[&from, &there, &length, "--task", &into]);
    assert_eq!(same["cur_protection"], json!(["read", "write"]));
    let same = same["address"].as_u64().unwrap();
    assert_eq!(count(&target, same), TAG + 1);
    assert_eq!(count(&source, address), TAG + 2);

    let copy = remapped(&[&from, &there, &length, "--task", &into, "--copy"]);
    let copy = copy["address"].as_u64().unwrap();
    assert_eq!(count(&target, copy), TAG + 3);
    assert_eq!(count(&target, same), TAG + 3);
}

#[test]
fn in_words() {
    let (_child, pid, address) = process();
    let there = format!("{address:#x}");
    let (status, text) =
        run(&["remap", &pid, &there, "1", "--from", "0x1000000000", "--read-only"]);
    assert_eq!(status, 0, "{text}");
    assert_eq!(text.trim(), format!("mapped at 0x1000000000 in {pid}: read; at most read"));
    let (status, text) = run(&["--json", "remap", &pid, &there, "1", "--at", &there]);
    assert_eq!(status, 1);
    assert!(text.contains("the place is occupied"), "{text}");
    let (status, text) = run(&["--json", "remap", &pid, &there, "1", "--inheritance", "copy"]);
    assert_eq!(status, 1);
    assert!(text.contains("copied when the target forks"), "{text}");
}
