// SPDX-License-Identifier: MIT OR Apache-2.0

//! Sub-maps and records, as the tool shows them.

use serde_json::{Value, json};

use crate::support::tool::run;
use crate::support::{PAGE, client, painted};

fn shown(arguments: &[&str]) -> Value {
    let (status, text) = run(arguments);
    assert_eq!(status, 0, "{text}");
    serde_json::from_str(&text).expect("it is JSON")
}

#[test]
fn they_are_named_and_counted_with_the_map_that_they_are_part_of() {
    let memory = painted(2, 0x0100);
    let map = memory.map().create().unwrap();
    let mapping = map.mmap().unwrap();
    map.wire(0, 1).unwrap();
    let task = client().own_task().unwrap();
    let look_up = memory.map_in_task(&task).offset(PAGE as u64);
    let part = look_up.clone().reference(true).create().unwrap();
    let address = mapping.as_ptr().addr() + PAGE;
    let record = look_up.set_mapping(address as u64).unwrap();
    let number = map.id().unwrap();

    for (part, kind) in [(&part, "sub-map"), (&record, "record")] {
        let id = part.id().unwrap();
        let it = shown(&["--json", "show", &id.to_string()]);
        assert_eq!((&it["kind"], &it["part_of"]), (&json!(kind), &json!(number)));
        assert_eq!((&it["address"], &it["wired"]), (&json!(address), &json!(PAGE)));
        let (_, text) = run(&["show", &id.to_string()]);
        assert!(
            text.starts_with(&format!("{kind} {id}\n  part of       map {number}\n")),
            "{text}"
        );
        assert!(text.contains("  wired         4096 bytes\n"), "{text}");
        let (_, text) = run(&["list"]);
        let line = text.lines().find(|line| line.trim_start().starts_with(&id.to_string()));
        let line = line.unwrap_or_else(|| panic!("it is listed: {text}"));
        assert!(line.contains(kind) && line.contains(&format!("part of map {number},")), "{line}");
    }
    assert_eq!(shown(&["--json", "show", &number.to_string()])["part_of"], Value::Null);

    mapping.load_u64(PAGE);
    let table = shown(&["--json", "top", "--once", "--interval", "0.01"]);
    let objects = table["objects"].as_array().unwrap();
    let of = |id: u64| objects.iter().find(|object| object["id"] == id).unwrap();
    assert_eq!(of(part.id().unwrap())["kind"], "sub-map");
    assert_eq!(of(record.id().unwrap())["part_of"], number);
    let counted =
        objects.iter().filter(|object| object["maps"].is_null() && object["part_of"].is_null());
    assert_eq!(table["totals"]["maps"], counted.count());
}
