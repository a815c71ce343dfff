// SPDX-License-Identifier: MIT OR Apache-2.0

//! Events, from the kernel's lines.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Number, Value};

/// What stands above the events.
pub const HEAD: &str =
    "          TIME  TASK                    EVENT               OBJECT          WHAT";

/// Something that happened.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Event {
    Fired(Fired),
    /// There was no room for so many, since nobody read fast enough.
    Lost {
        event: &'static str,
        /// Where the kernel has counted them.
        count: Option<u64>,
    },
}

/// An event of iomd's.
#[derive(Debug, PartialEq, Serialize)]
pub struct Fired {
    /// Seconds of `CLOCK_MONOTONIC`.
    time: Number,
    cpu: u64,
    /// The task's name and number.
    task: String,
    pid: u64,
    event: String,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl Event {
    /// From a line of `trace_pipe`; `None` if that is no event.
    pub fn parse(line: &str) -> Option<Self> {
        if let Some(count) = lost(line) {
            return Some(Self::Lost { event: "lost", count });
        }
        // From its end: a task's name, at its beginning, can be anything.
        let (head, event) = line.rsplit_once(": iomd_")?;
        let (event, fields) = event.split_once(": ")?;
        let (head, time) = head.rsplit_once(' ')?;
        let (head, _flags) = head.trim_end().rsplit_once(' ')?;
        let (task, cpu) = head.rsplit_once(" [")?;
        let (task, pid) = task.trim_end().rsplit_once('-')?;
        Some(Self::Fired(Fired {
            time: Number::from_f64(time.parse().ok()?)?,
            cpu: cpu.strip_suffix(']')?.parse().ok()?,
            task: task.trim_start().into(),
            pid: pid.parse().ok()?,
            event: event.into(),
            fields: fields.split(' ').filter_map(field).collect(),
        }))
    }
}

/// Whether the line says that events were lost, and how many.
fn lost(line: &str) -> Option<Option<u64>> {
    let (_, count) = line.rsplit_once(" [LOST ")?;
    match count.strip_suffix("EVENTS]")? {
        "" => Some(None),
        count => count.trim_end().parse().ok().map(Some),
    }
}

/// A field's name and value.
fn field(word: &str) -> Option<(String, Value)> {
    let (name, text) = word.split_once('=')?;
    let value = match (name, text.parse::<u64>()) {
        ("sparse" | "sub_map", Ok(number)) => Value::Bool(number != 0),
        (_, Ok(number)) => number.into(),
        (_, Err(_)) => text.into(),
    };
    Some((name.into(), value))
}

impl Fired {
    fn number(&self, field: &str) -> Option<u64> {
        self.fields.get(field)?.as_u64()
    }

    /// What it happened to.
    fn object(&self) -> String {
        let named = ["map", "descriptor"].into_iter().find_map(|kind| {
            let id = self.number(kind)?;
            Some(format!("{kind} {id}"))
        });
        named.unwrap_or_else(|| "-".into())
    }

    /// What happened, in words; the fields where this program has none.
    fn what(&self) -> String {
        self.words().unwrap_or_else(|| {
            let fields = self.fields.iter().map(|(name, value)| format!("{name} {value}"));
            fields.collect::<Vec<_>>().join(", ")
        })
    }

    fn words(&self) -> Option<String> {
        let shown = || -> Option<String> {
            let (descriptor, page) = (self.number("descriptor")?, self.number("first_page")?);
            Some(format!("shows descriptor {descriptor} from page {page} on"))
        };
        Some(match self.event.as_str() {
            "descriptor_create" => {
                let sparse = self.fields.get("sparse")?.as_bool()?;
                let when = if sparse { ", each there when touched" } else { "" };
                format!("pages: {}{when}", self.number("pages")?)
            }
            "map_create" => shown()?,
            "redirect" => match self.number("pinned")? {
                0 => shown()?,
                pinned => format!("{}; {pinned} pages of before are held for I/O", shown()?),
            },
            "suspend" => "suspended: accesses wait".into(),
            "resume" => "active: accesses go on".into(),
            "descriptor_suspend" => "suspended: accesses through all maps wait".into(),
            "descriptor_resume" => "active: accesses go on".into(),
            "end" => "ended: accesses get SIGBUS".into(),
            "map_into_task" => {
                let (process, pages) = (self.number("process")?, self.number("pages")?);
                format!("pages: {pages}, at {:#x} in process {process}", self.number("address")?)
            }
            "purge" => format!("empty: {} pages were taken away", self.number("pages")?),
            "static_map_create" => {
                let sub_map = self.fields.get("sub_map")?.as_bool()?;
                let kind = if sub_map { "a sub-map" } else { "a record" };
                let (map, address) = (self.number("part_of")?, self.number("address")?);
                format!("{kind} of map {map}, at {address:#x}; {}", shown()?)
            }
            "static_map_end" => "ended, and the mapping as it was".into(),
            "fault" => format!("page {}", self.number("page")?),
            "wait" => {
                let milliseconds = self.number("nanoseconds")? as f64 / 1e6;
                format!("page {}, waited {milliseconds:.3} ms", self.number("page")?)
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { count: Some(count), .. } => {
                write!(f, "{:>14}  {count} events are lost", "")
            }
            Self::Lost { count: None, .. } => write!(f, "{:>14}  events are lost", ""),
            Self::Fired(fired) => {
                // A task's name could talk to the terminal.
                let task = format!("{}-{}", fired.task.escape_debug(), fired.pid);
                let time = fired.time.as_f64().unwrap_or_default();
                write!(f, "{time:>14.6}  {task:<22}  {:<18}  ", fired.event)?;
                write!(f, "{:<14}  {}", fired.object(), fired.what())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REDIRECT: &str = "          writer-123     [001] d..1.  1234.567891: iomd_redirect: \
                            map=3 descriptor=2 first_page=16 pinned=0";

    fn text(line: &str) -> String {
        Event::parse(line).expect(line).to_string()
    }

    fn json(line: &str) -> String {
        serde_json::to_string(&Event::parse(line).expect(line)).unwrap()
    }

    #[test]
    fn an_event_is_decoded() {
        assert_eq!(
            text(REDIRECT),
            "   1234.567891  writer-123              redirect            map 3           \
             shows descriptor 2 from page 16 on"
        );
        assert_eq!(
            json(REDIRECT),
            r#"{"time":1234.567891,"cpu":1,"task":"writer","pid":123,"event":"redirect","descriptor":2,"first_page":16,"map":3,"pinned":0}"#
        );
    }

    #[test]
    fn head_and_events_are_aligned() {
        let line = text(REDIRECT);
        for (head, word) in [("EVENT", "redirect"), ("OBJECT", "map 3"), ("WHAT", "shows")] {
            assert_eq!(HEAD.find(head), line.find(word), "{head}");
        }
    }

    #[test]
    fn every_event_has_words() {
        let of = |event: &str| text(&format!("  a-1  [000] ...1.  1.000001: iomd_{event}"));
        for (event, words) in [
            ("descriptor_create: descriptor=1 pages=4 sparse=1", "pages: 4, each there"),
            ("map_create: map=2 descriptor=1 first_page=0 pinned=0", "shows descriptor 1 from"),
            ("redirect: map=2 descriptor=1 first_page=0 pinned=5", "; 5 pages of before are held"),
            ("suspend: map=2", "map 2           suspended: accesses wait"),
            ("resume: map=2", "active"),
            ("descriptor_suspend: descriptor=1", "descriptor 1    suspended"),
            ("descriptor_resume: descriptor=1", "active"),
            ("end: map=2", "ended: accesses get SIGBUS"),
            ("map_into_task: map=2 process=5 address=4096 pages=3", "3, at 0x1000 in process 5"),
            ("purge: descriptor=1 pages=9", "descriptor 1    empty: 9 pages"),
            (
                "static_map_create: map=3 part_of=2 descriptor=1 first_page=4 address=4096 sub_map=1",
                "a sub-map of map 2, at 0x1000; shows descriptor 1 from page 4 on",
            ),
            ("static_map_end: map=3", "ended, and the mapping"),
            ("fault: map=2 page=7", "page 7"),
            ("wait: map=2 page=7 nanoseconds=1500000", "page 7, waited 1.500 ms"),
            ("of_tomorrow: map=2 color=red", "color \"red\", map 2"),
        ] {
            assert!(of(event).contains(words), "{event}: {}", of(event));
        }
    }

    #[test]
    fn a_name_can_be_anything() {
        for name in ["<...>", "a b", "-", "x-1 [000] .", ": iomd_end: m", "[LOST 1 EVENT"] {
            let line = format!("{name:>16}-4711    [000] .....    12.000001: iomd_end: map=5");
            let Some(Event::Fired(fired)) = Event::parse(&line) else { panic!("{line}") };
            assert_eq!((fired.task.as_str(), fired.pid), (name, 4711));
            assert_eq!((fired.event.as_str(), fired.number("map")), ("end", Some(5)));
        }
        let line = "\u{1b}[2Jx-1     [000] .....    12.000001: iomd_end: map=5";
        assert!(text(line).contains("\\u{1b}[2Jx-1"));
    }

    #[test]
    fn lost_events_are_told_of() {
        let line = "CPU:1 [LOST 17 EVENTS]";
        assert_eq!(text(line).trim(), "17 events are lost");
        assert_eq!(json(line), r#"{"event":"lost","count":17}"#);
        assert_eq!(text("CPU:1 [LOST EVENTS]").trim(), "events are lost");
    }

    #[test]
    fn what_is_no_event_is_none() {
        for line in ["", "some", " a-1 [000] ..... 1.0: sched_switch: x=1", "a: iomd_end: map=1"] {
            assert_eq!(Event::parse(line), None, "{line}");
        }
    }
}
