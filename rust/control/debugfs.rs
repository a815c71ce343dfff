// SPDX-License-Identifier: GPL-2.0

//! What debugfs shows to root: all objects, a line each.

use super::bytes;
use crate::{
    descriptor::Descriptor,
    map::{static_map::StaticMap, Info, Map},
    os::debugfs::{Directory, Listing},
    task::Task,
};
use kernel::{fmt, seq_file::SeqFile, seq_print};

/// The directory with its files.
pub(crate) fn directory() -> Directory {
    let directory = Directory::new(c"iomd");

    directory.list::<Descriptors>(c"descriptors");
    directory.list::<Maps>(c"maps");
    directory.list::<Tasks>(c"tasks");
    directory
}

struct Descriptors;

impl Listing for Descriptors {
    fn next(id: u64) -> Option<u64> {
        Descriptor::next_id(id)
    }

    fn show_head(lines: &SeqFile) {
        seq_print!(
            lines,
            "{:>8} {:<8} {:>16} {:>16} {:>6} {:>10} {}\n",
            "id",
            "kind",
            "length",
            "resident",
            "maps",
            "uid",
            "state"
        );
    }

    fn show(lines: &SeqFile, id: u64) {
        let Ok(descriptor) = Descriptor::by_id(id) else {
            return;
        };
        let state = match descriptor.suspension() {
            None => "live",
            Some((terms, _)) if terms.deadline.has_passed() => "expired",
            Some(_) => "suspended",
        };

        seq_print!(
            lines,
            "{:>8} {:<8} {:>16} {:>16} {:>6} {:>10} {}\n",
            id,
            descriptor.kind().name,
            descriptor.length(),
            bytes(descriptor.resident()),
            descriptor.observer_count(),
            descriptor.user_id(),
            state
        );
    }
}

struct Maps;

impl Listing for Maps {
    fn next(id: u64) -> Option<u64> {
        [Map::next_id(id), StaticMap::next_id(id)]
            .into_iter()
            .flatten()
            .min()
    }

    fn show_head(lines: &SeqFile) {
        seq_print!(
            lines,
            "{:>8} {:<7} {:>8} {:>10} {:>16} {:>16} {:>7} {:>8} {:>14} {:>9} {:>10} {:>7} {:>8} {:>15} {}\n",
            "id",
            "kind",
            "part_of",
            "descriptor",
            "offset",
            "length",
            "handles",
            "process",
            "address",
            "redirects",
            "faults",
            "waiters",
            "waits",
            "longest_wait_ns",
            "state"
        );
    }

    fn show(lines: &SeqFile, id: u64) {
        let (now, handles) = match Map::by_id(id) {
            Ok(map) => (map.info(), Some(map.handles())),
            Err(_) => match StaticMap::by_id(id) {
                Ok(static_map) => (static_map.info(), None),
                Err(_) => return,
            },
        };
        let (process, address) = now.holder.unwrap_or((0, 0));
        let kind = match (now.part_of, now.is_sub_map) {
            (None, _) => "map",
            (_, true) => "sub-map",
            (_, false) => "record",
        };

        seq_print!(
            lines,
            "{:>8} {:<7} {:>8} {:>10} {:>16} {:>16} {:>7} {:>8} {:>#14x} {:>9} {:>10} {:>7} {:>8} {:>15} {}\n",
            id,
            kind,
            now.part_of.unwrap_or(0),
            now.descriptor_id,
            now.offset,
            now.length,
            handles.unwrap_or(0),
            process,
            address,
            now.redirects,
            now.faults,
            now.waiters,
            now.waits,
            now.longest_wait_ns,
            State(&now)
        );
    }
}

struct Tasks;

impl Listing for Tasks {
    fn next(id: u64) -> Option<u64> {
        Task::next_id(id)
    }

    fn show_head(lines: &SeqFile) {
        seq_print!(lines, "{:>8} {:>8} {}\n", "id", "process", "state");
    }

    fn show(lines: &SeqFile, id: u64) {
        let Ok(task) = Task::by_id(id) else {
            return;
        };
        let process = task.process();
        let state = if process.is_some() { "live" } else { "dead" };

        seq_print!(lines, "{:>8} {:>8} {}\n", id, process.unwrap_or(0), state);
    }
}

/// All that is the matter with a map.
struct State<'a>(&'a Info);

impl fmt::Display for State<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Info {
            ended,
            expired,
            suspended,
            descriptor_suspended,
            sealed,
            ..
        } = *self.0;

        f.write_str(match (ended, expired, suspended) {
            (true, _, _) => "ended",
            (_, true, _) => "expired",
            (_, _, true) => "suspended",
            _ => "live",
        })?;
        if descriptor_suspended {
            f.write_str(",descriptor-suspended")?;
        }
        if sealed {
            f.write_str(",sealed")?;
        }
        Ok(())
    }
}
