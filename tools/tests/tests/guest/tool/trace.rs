// SPDX-License-Identifier: MIT OR Apache-2.0

//! `iomdctl trace`.

use std::fs;
use std::path::{Path, PathBuf};

use iomd::Purgeable;
use rustix::mount::{UnmountFlags, unmount};
use rustix::process::Signal;
use serde_json::Value;

use crate::support::tool::{Tool, run};
use crate::support::{
    PAGE, Region, User, await_waiters, buffer, client, eventually, painted, unique,
};

const TRACEFS: &str = "/sys/kernel/tracing";
const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

fn instance(tool: &Tool) -> PathBuf {
    Path::new(TRACEFS).join(format!("instances/iomd-{}", tool.pid()))
}

/// The instances of programs of this kind.
fn instances() -> Vec<String> {
    let entries = fs::read_dir(Path::new(TRACEFS).join("instances")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("iomd-")).collect()
}

/// Waits until the tool has let that event come, which all that precede it in the alphabet have then.
fn await_enabled(tool: &Tool, event: &str) {
    let file = instance(tool).join(format!("events/iomd/iomd_{event}/enable"));
    eventually("the event is enabled", || {
        fs::read_to_string(&file).is_ok_and(|text| text.trim_end() == "1")
    });
}

fn decoded(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn a_redirect_with_a_waiter_is_seen_in_order() {
    let (old, new) = (painted(1, OLD), painted(1, NEW));
    let map = unique(&old);
    let (id, new_id) = (map.id().unwrap(), new.id().unwrap());
    let user = User::of(&map);
    let mut tool = Tool::start(&["--json", "trace", "--id", &id.to_string(), "--count", "5"]);
    await_enabled(&tool, "wait");

    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    map.redirect(&new).run().unwrap();
    assert_eq!(user.finish(), NEW);
    map.unmap().unwrap();

    let events: Vec<_> = (0..5).map(|_| decoded(&tool.line())).collect();
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["suspend", "redirect", "wait", "fault", "end"]);
    assert!(events.iter().all(|event| event["map"] == id), "{events:?}");
    let times: Vec<_> = events.iter().map(|event| event["time"].as_f64().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!((&events[1]["descriptor"], &events[1]["first_page"]), (&new_id.into(), &0.into()));
    assert_eq!(events[2]["page"], 0);
    assert!(events[2]["nanoseconds"].as_u64().unwrap() > 0);
    let waited = user.pid().as_raw_nonzero().get();
    assert_eq!((&events[2]["pid"], &events[3]["pid"]), (&waited.into(), &waited.into()));
    assert_eq!(tool.end().0, 0);
    assert_eq!(instances(), [""; 0]);
}

#[test]
fn all_kinds_of_events_are_seen_in_words() {
    let mut tool = Tool::start(&["trace", "--count", "8"]);
    await_enabled(&tool, "wait");
    let memory = buffer(1);
    let map = unique(&memory);
    let (id, map_id) = (memory.id().unwrap(), map.id().unwrap());
    memory.suspend().unwrap();
    memory.resume().unwrap();
    map.suspend().unwrap();
    map.resume().unwrap();
    map.redirect(&memory).run().unwrap();
    map.unmap().unwrap();

    assert!(tool.line().contains("EVENT"), "a head");
    for (event, object, what) in [
        ("descriptor_create", format!("descriptor {id}"), "pages: 1".to_owned()),
        ("map_create", format!("map {map_id}"), format!("shows descriptor {id} from page 0 on")),
        (
            "descriptor_suspend",
            format!("descriptor {id}"),
            "suspended: accesses through all".into(),
        ),
        ("descriptor_resume", format!("descriptor {id}"), "active".into()),
        ("suspend", format!("map {map_id}"), "suspended: accesses wait".into()),
        ("resume", format!("map {map_id}"), "active".into()),
        ("redirect", format!("map {map_id}"), format!("shows descriptor {id} from page 0 on")),
        ("end", format!("map {map_id}"), "ended".into()),
    ] {
        let line = tool.line();
        let words = format!("  {event:<18}  {object:<14}  {what}");
        assert!(line.contains(&words), "{words:?} is not in {line:?}");
    }
    assert_eq!(tool.end().0, 0);
}

#[test]
fn tasks_parts_and_purges_are_seen_in_words() {
    let memory = painted(2, OLD);
    let task = client().own_task().unwrap();
    let map = memory.map().create().unwrap();
    let (id, map_id) = (memory.id().unwrap(), map.id().unwrap());
    let ids = ["--id", &map_id.to_string(), "--id", &id.to_string()];
    let only = ["map_into_task", "purge", "static_map_create", "static_map_end"];
    let events = only.iter().flat_map(|event| ["--event", event]);
    let arguments: Vec<_> =
        ["trace", "--count", "4"].into_iter().chain(events).chain(ids).collect();
    let mut tool = Tool::start(&arguments);
    await_enabled(&tool, "static_map_end");

    let address = map.map_into(&task).run().unwrap();
    let look_up = memory.map_in_task(&task).offset(PAGE as u64);
    let part = look_up.clone().reference(true).create().unwrap();
    let record = look_up.set_mapping(address + PAGE as u64).unwrap();
    // That is about another map, and not asked for.
    part.unmap().unwrap();
    let ids = [&part, &record].map(|map| map.id().unwrap());
    memory.set_purgeable(Purgeable::Empty).unwrap();
    Region::at(address as usize, 2 * PAGE).unmap().unwrap();

    assert!(tool.line().contains("EVENT"), "a head");
    let (process, second) = (std::process::id(), address + PAGE as u64);
    let into = format!("pages: 2, at {address:#x} in process {process}");
    let parts = ["a sub-map", "a record"].map(|kind| {
        format!("{kind} of map {map_id}, at {second:#x}; shows descriptor {id} from page 1 on")
    });
    for (event, object, what) in [
        ("map_into_task", format!("map {map_id}"), &into),
        ("static_map_create", format!("map {}", ids[0]), &parts[0]),
        ("static_map_create", format!("map {}", ids[1]), &parts[1]),
        ("purge", format!("descriptor {id}"), &"empty: 2 pages were taken away".to_owned()),
    ] {
        let line = tool.line();
        let words = format!("  {event:<18}  {object:<14}  {what}");
        assert!(line.contains(&words), "{words:?} is not in {line:?}");
    }
    assert_eq!(tool.end().0, 0);

    let mut tool = Tool::start(&["trace", "--count", "1", "--event", "static_map_end"]);
    await_enabled(&tool, "static_map_end");
    record.unmap().unwrap();
    assert!(tool.line().contains("EVENT"), "a head");
    let words = format!("static_map_end      map {:<10}  ended, and the mapping", ids[1]);
    let line = tool.line();
    assert!(line.contains(&words), "{words:?} is not in {line:?}");
    assert_eq!(tool.end().0, 0);
}

#[test]
fn only_what_was_asked_for_is_seen() {
    let memory = buffer(1);
    let maps = [unique(&memory), unique(&memory)];
    let id = maps[1].id().unwrap();
    let arguments = ["--event", "resume", "--id", &id.to_string(), "--count", "1"];
    let mut tool = Tool::start(&[&["--json", "trace"][..], &arguments].concat());
    await_enabled(&tool, "resume");
    for map in &maps {
        map.suspend().unwrap();
        map.resume().unwrap();
    }
    let event = decoded(&tool.line());
    assert_eq!((&event["event"], &event["map"]), (&"resume".into(), &id.into()));
    assert_eq!(tool.end(), (0, String::new()));
}

#[test]
fn every_way_out_removes_the_instance() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        let tool = Tool::start(&["--json", "trace"]);
        await_enabled(&tool, "wait");
        tool.signal(signal);
        assert_eq!(tool.end(), (0, String::new()), "{signal:?}");
        assert_eq!(instances(), [""; 0], "{signal:?}");
    }
    let (status, text) = run(&["--json", "trace", "--event", "sleep"]);
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("there is no event sleep"), "{text}");
    let (status, _) = run(&["--json", "trace", "--", "/nonexistent"]);
    assert_eq!(status, 1);
    assert_eq!(instances(), [""; 0]);
}

#[test]
fn what_a_killed_one_left_the_next_removes() {
    let tool = Tool::start(&["--json", "trace"]);
    await_enabled(&tool, "wait");
    let left = instance(&tool);
    tool.kill();
    assert!(left.exists());
    let (status, text) = run(&["--json", "trace", "--", "true"]);
    assert_eq!((status, text), (0, String::new()));
    assert!(!left.exists());
}

#[test]
fn it_ends_with_its_command() {
    let (status, text) = run(&["--json", "trace", "--", "sh", "-c", "exit 7"]);
    assert_eq!((status, text), (7, String::new()));
    let (status, _) = run(&["--json", "trace", "--", "sh", "-c", "kill -9 $$"]);
    assert_eq!(status, 128 + 9);
    // What the command causes is seen to its end.
    let map = unique(&buffer(1));
    let id = map.id().unwrap().to_string();
    let command = ["--json", "trace", "--event", "end", "--id", &id, "--", "cat"];
    let mut tool = Tool::on_terminal(&command, 200, 25);
    await_enabled(&tool, "end");
    map.unmap().unwrap();
    tool.until("\"event\":\"end\"");
    tool.type_keys("\x04");
    assert_eq!(tool.end().0, 0);
}

#[test]
fn others_options_do_not_matter() {
    let options = Path::new(TRACEFS).join("trace_options");
    for (set, reset) in
        [("noirq-info", "irq-info"), ("record-tgid", "norecord-tgid"), ("raw", "noraw")]
    {
        fs::write(&options, set).unwrap();
        let mut tool = Tool::start(&["--json", "trace", "--event", "end", "--count", "1"]);
        await_enabled(&tool, "end");
        fs::write(&options, reset).unwrap();
        let map = unique(&buffer(1));
        map.unmap().unwrap();
        assert_eq!(decoded(&tool.line())["map"], map.id().unwrap(), "{set}");
        assert_eq!(tool.end().0, 0);
    }
}

#[test]
fn tracefs_is_mounted_if_it_is_not() {
    unmount(TRACEFS, UnmountFlags::DETACH).unwrap();
    let (status, text) = run(&["--json", "trace", "--", "true"]);
    assert_eq!((status, text), (0, String::new()));
    assert_eq!(instances(), [""; 0]);
}
