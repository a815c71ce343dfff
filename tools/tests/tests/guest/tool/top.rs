// SPDX-License-Identifier: MIT OR Apache-2.0

//! `iomdctl top`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use iomd::Map;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::tool::{Tool, run};
use crate::support::{User, await_waiters, buffer, eventually, painted, unique};

const TAG: u64 = 0x0100;

/// Runs the work while a map is redirected without a pause.
fn while_redirected<T>(map: &Map, work: impl FnOnce() -> T) -> T {
    let (other, done) = (buffer(1), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                map.redirect(&other).run().unwrap();
            }
        });
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        done.store(true, Ordering::Relaxed);
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn object(table: &Value, id: u64) -> &Value {
    let objects = table["objects"].as_array().expect("a list of objects");
    objects.iter().find(|object| object["id"] == id).expect("it is listed")
}

#[test]
fn rates_and_waiters_are_shown() {
    let (memory, busy_memory) = (painted(1, TAG), painted(1, TAG));
    let (map, busy) = (unique(&memory), unique(&busy_memory));
    let user = User::of(&map);
    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);

    let arguments = ["--json", "top", "--once", "--interval", "0.2", "--sort", "redirects"];
    let (status, text) = while_redirected(&busy, || run(&arguments));
    assert_eq!((status, text.lines().count()), (0, 1), "{text}");
    let table: Value = serde_json::from_str(&text).unwrap();
    let (waiting, busy) = (object(&table, map.id().unwrap()), object(&table, busy.id().unwrap()));
    assert_eq!((&waiting["waiters"], &waiting["state"]), (&1.into(), &"suspended".into()));
    assert_eq!(waiting["redirects_per_second"], 0.0);
    assert!(busy["redirects_per_second"].as_f64().unwrap() > 0.0, "{busy}");
    let of_memory = object(&table, memory.id().unwrap());
    assert_eq!((&of_memory["maps"], &of_memory["waiters"]), (&1.into(), &1.into()));
    assert!(table["totals"]["redirects_per_second"].as_f64().unwrap() > 0.0);
    // Those first that are redirected: the map, and the memory that it shows now.
    let first = table["objects"][0]["redirects_per_second"].as_f64().unwrap();
    assert!(first > 0.0, "{table}");

    map.resume().unwrap();
    assert_eq!(user.finish(), TAG);
}

#[test]
fn tables_are_printed_where_there_is_no_terminal() {
    let memory = painted(1, TAG);
    let maps = [unique(&memory), unique(&memory)];
    let id = memory.id().unwrap();
    let (status, text) = run(&["top", "--count", "2", "--interval", "0.01", "--sort", "maps"]);
    assert_eq!(status, 0, "{text}");
    let tables: Vec<_> = text.split("\n\n").collect();
    assert_eq!(tables.len(), 2, "{text}");
    for table in tables {
        let lines: Vec<_> = table.lines().collect();
        assert!(lines[0].contains("maps: "), "{table}");
        assert!(lines[1].contains("MAPS*"), "{table}");
        let words: Vec<_> = lines[2].split_whitespace().collect();
        assert_eq!(words[..3], [&id.to_string(), "buffer", "2"], "{table}");
    }
    drop(maps);
}

#[test]
fn who_stops_reading_ends_it() {
    let _memory = painted(1, TAG);
    let mut tool = Tool::start(&["--json", "top", "--interval", "0.01"]);
    tool.line();
    assert_eq!(tool.close_output(), 0);
}

#[test]
fn keys_sort_it_on_a_terminal() {
    let memory = painted(1, TAG);
    let map = unique(&memory);
    // There is room for what earlier tests have left.
    let mut tool = Tool::on_terminal(&["top", "--interval", "0.05"], 120, 5000);
    // The terminal's other screen, and a table there.
    tool.until("\x1b[?1049h");
    tool.until("WAITERS*");
    tool.until(&format!("{}  map", map.id().unwrap()));
    for (key, column) in
        [("m", "MAPS*"), ("l", "LONGEST WAIT*"), ("r", "REDIR/S*"), ("f", "FAULTS/S*")]
    {
        tool.type_keys(key);
        tool.until(column);
    }
    map.suspend().unwrap();
    tool.until("suspended");
    tool.type_keys("q");
    let (status, text) = tool.end();
    assert_eq!(status, 0);
    // Back to the screen before, and the cursor is there again.
    assert!(text.contains("\x1b[?1049l") && text.contains("\x1b[?25h"), "{text:?}");
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    let mut tool = Tool::on_terminal(&["top"], 80, 24);
    let before = tool.terminal();
    tool.until("quit");
    eventually("it reads single keys", || tool.terminal() != before);
    tool.signal(Signal::TERM);
    tool.until("\x1b[?1049l");
    eventually("the terminal is as before", || tool.terminal() == before);
}
