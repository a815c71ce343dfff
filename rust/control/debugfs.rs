// SPDX-License-Identifier: GPL-2.0

//! What debugfs shows to root: all objects, a line each.

use super::bytes;
use crate::{
    descriptor::Descriptor,
    map::{Info, Map},
    os::debugfs::{Directory, Listing},
};
use kernel::{fmt, seq_file::SeqFile, seq_print};

/// The directory with its files.
pub(crate) fn directory() -> Directory {
    let directory = Directory::new(c"iomd");

    directory.list::<Descriptors>(c"descriptors");
    directory.list::<Maps>(c"maps");
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
        Map::next_id(id)
    }

    fn show_head(lines: &SeqFile) {
        seq_print!(
            lines,
            "{:>8} {:>10} {:>16} {:>16} {:>7} {:>8} {:>14} {:>9} {:>10} {:>7} {:>8} {:>15} {}\n",
            "id",
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
        let Ok(map) = Map::by_id(id) else {
            return;
        };
        let now = map.info();
        let (process, address) = now.holder.unwrap_or((0, 0));

        seq_print!(
            lines,
            "{:>8} {:>10} {:>16} {:>16} {:>7} {:>8} {:>#14x} {:>9} {:>10} {:>7} {:>8} {:>15} {}\n",
            id,
            now.descriptor_id,
            now.offset,
            map.length(),
            map.handles(),
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
