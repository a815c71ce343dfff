// SPDX-License-Identifier: MIT OR Apache-2.0

//! Bytes of a descriptor, read and written.

use serde_json::{Value, json};

use crate::support::tool::{Tool, run};
use crate::support::{PAGE, buffer, unique, window};

#[test]
fn what_is_written_is_read() {
    let memory = buffer(2);
    let id = memory.id().unwrap();
    let number = id.to_string();
    let offset = (PAGE - 3).to_string();

    let writer = Tool::with_input(&["write", &number, "--offset", &offset], b"seven\n!");
    let said = format!("7 bytes written to descriptor {number} from byte {offset} on\n");
    assert_eq!(writer.end(), (0, said));
    let mut seen = [0; 9];
    window(&memory).read_bytes(PAGE - 4, &mut seen);
    assert_eq!(&seen, b"\0seven\n!\0");

    let read = |more: &[&str]| run(&[&["read", &number], more].concat());
    assert_eq!(read(&["--offset", &offset, "--length", "7"]), (0, "seven\n!".to_owned()));
    // Without a length, all; and whoever wants JSON gets it.
    assert_eq!(read(&[]).1.len(), 2 * PAGE);
    let (status, text) = run(&["--json", "read", &number, "--offset", &offset, "--length", "2"]);
    let value: Value = serde_json::from_str(&text).unwrap();
    let expected = json!({ "descriptor": id, "offset": PAGE - 3, "bytes": "7365" });
    assert_eq!((status, value), (0, expected));
}

#[test]
fn what_does_not_fit_is_refused() {
    let memory = buffer(1);
    let number = memory.id().unwrap().to_string();
    let status = |arguments: &[&str], input: &[u8]| Tool::with_input(arguments, input).end().0;
    let end = PAGE.to_string();
    assert_eq!(status(&["read", &number, "--offset", &end], b""), 0, "nothing is there");
    assert_eq!(status(&["read", &number, "--offset", &end, "--length", "1"], b""), 1);
    assert_eq!(status(&["write", &number, "--offset", &end], b""), 0, "nothing goes there");
    assert_eq!(status(&["write", &number, "--offset", &end], b"x"), 1);
    // As much as fits is written.
    let last = (PAGE - 1).to_string();
    assert_eq!(status(&["write", &number, "--offset", &last], b"xy"), 1);
    let mut seen = [0];
    window(&memory).read_bytes(PAGE - 1, &mut seen);
    assert_eq!(&seen, b"x");
    // A map is no descriptor.
    let map = unique(&memory);
    assert_eq!(status(&["write", &map.id().unwrap().to_string()], b""), 4);
}
