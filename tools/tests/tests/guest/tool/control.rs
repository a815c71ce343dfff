// SPDX-License-Identifier: MIT OR Apache-2.0

//! Suspending descriptors, and sealing.

use iomd::Errno;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::tool::{Tool, run};
use crate::support::{User, await_waiters, eventually, painted, unique};

const TAG: u64 = 0x0100;

fn shown(id: u64) -> Value {
    let (status, text) = run(&["--json", "show", &id.to_string()]);
    assert_eq!(status, 0, "{text}");
    serde_json::from_str(&text).expect("it is JSON")
}

#[test]
fn a_descriptor_is_suspended_and_resumed() {
    let memory = painted(1, TAG);
    let map = unique(&memory);
    let user = User::of(&map);
    let (id, of_map) = (memory.id().unwrap().to_string(), map.id().unwrap());

    assert_eq!(run(&["suspend", &id]), (0, format!("descriptor {id} suspended\n")));
    user.begin_read(0);
    await_waiters(&map, 1);
    let now = shown(of_map);
    assert_eq!((&now["state"], &now["descriptor_suspended"]), (&json!("active"), &json!(true)));
    let (_, text) = run(&["show", &of_map.to_string()]);
    assert!(text.contains("  state         descriptor suspended\n"), "{text}");

    let (status, text) = run(&["--json", "resume", &id]);
    let resumed: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (status, resumed),
        (0, json!({ "descriptor": memory.id().unwrap(), "done": "resumed" }))
    );
    assert_eq!(user.finish(), TAG);
    assert_eq!(shown(of_map)["descriptor_suspended"], json!(false));
}

#[test]
fn a_descriptor_goes_on_when_who_holds_it_is_killed() {
    let memory = painted(1, TAG);
    let map = unique(&memory);
    let id = memory.id().unwrap().to_string();
    let terminal = ["suspend", &id, "--hold", "--if-abandoned", "resume"];
    // A terminal has no end of input, as long as nobody types it.
    let mut tool = Tool::on_terminal(&terminal, 80, 25);
    tool.until("suspended");
    assert!(map.info().unwrap().descriptor_suspended);
    tool.kill();
    eventually("the suspension ends", || !map.info().unwrap().descriptor_suspended);
}

#[test]
fn held_pages_of_a_descriptor_are_not_looked_for() {
    let memory = painted(1, TAG);
    let id = memory.id().unwrap().to_string();
    let (status, text) = run(&["--json", "suspend", &id, "--refuse-pinned"]);
    assert_eq!(status, 1, "{text}");
    let map = unique(&memory);
    assert!(!map.info().unwrap().descriptor_suspended);
}

#[test]
fn a_seal_is_shown_and_told_of() {
    let map = unique(&painted(1, TAG));
    let id = map.id().unwrap().to_string();
    let mut tool = Tool::on_terminal(&["seal", &id, "--hold"], 80, 25);
    tool.until("sealed");
    assert_eq!(shown(map.id().unwrap())["sealed"], json!(true));
    assert_eq!(map.suspend().unwrap_err().errno(), Errno::PERM);

    let (status, text) = run(&["--json", "suspend", &id]);
    let error: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &error["error"]["errno"]), (1, &json!(1)));
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.contains("another handle sealed it"), "{message}");
    tool.signal(Signal::TERM);
}
