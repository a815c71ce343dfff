// SPDX-License-Identifier: GPL-2.0

//! What maps of both kinds tell about themselves.

use super::{argument::Argument, bytes, check_flags};
use crate::{
    abi::{
        iomd_map_info, IOMD_INHERIT_NONE, IOMD_INHERIT_SHARE, IOMD_MAP_DESCRIPTOR_SUSPENDED,
        IOMD_MAP_ENDED, IOMD_MAP_EXPIRED, IOMD_MAP_KERNEL, IOMD_MAP_SEALED, IOMD_MAP_SUB_MAP,
        IOMD_MAP_SUSPENDED, IOMD_MAP_UNPINNABLE,
    },
    map::{Info, Inheritance},
};
use kernel::{prelude::*, seq_file::SeqFile, seq_print, uaccess::UserPtr};

/// IOMD_MAP_INFO.
pub(super) fn answer(argument: UserPtr, now: impl FnOnce() -> Info) -> Result<isize> {
    let mut argument = Argument::<iomd_map_info>::read_to_answer(argument)?;
    let info = &mut argument.value;

    check_flags(info.flags, 0)?;
    *info = told(info.size, &now());
    argument.answer()
}

fn told(size: u32, now: &Info) -> iomd_map_info {
    let (task, address) = now.holder.unwrap_or((0, 0));
    let mut state = 0;
    if now.suspended {
        state |= IOMD_MAP_SUSPENDED;
    }
    if now.expired {
        state |= IOMD_MAP_EXPIRED;
    }
    if now.sealed {
        state |= IOMD_MAP_SEALED;
    }
    if now.descriptor_suspended {
        state |= IOMD_MAP_DESCRIPTOR_SUSPENDED;
    }
    if now.ended {
        state |= IOMD_MAP_ENDED;
    }
    if now.in_kernel {
        state |= IOMD_MAP_KERNEL;
    }
    if now.is_sub_map {
        state |= IOMD_MAP_SUB_MAP;
    }
    if now.unpinnable {
        state |= IOMD_MAP_UNPINNABLE;
    }
    iomd_map_info {
        size,
        flags: 0,
        state,
        options: now.options.bits(),
        inheritance: match now.inheritance {
            Inheritance::Share => IOMD_INHERIT_SHARE,
            Inheritance::None => IOMD_INHERIT_NONE,
        },
        task,
        id: now.id,
        descriptor_id: now.descriptor_id,
        offset: now.offset,
        length: now.length,
        mapped_size: bytes(now.pages),
        address: address as u64,
        generation: now.generation,
        redirects: now.redirects,
        faults: now.faults,
        waiters: now.waiters,
        waits: now.waits,
        longest_wait_ns: now.longest_wait_ns,
        page_offset: now.page_offset,
        wired: bytes(now.wired),
        part_of: now.part_of.unwrap_or(0),
    }
}

/// What /proc/PID/fdinfo says of a map.
pub(super) fn show(lines: &SeqFile, now: &Info) {
    let state = match (now.ended, now.expired, now.suspended) {
        (true, _, _) => "ended",
        (_, true, _) => "expired",
        (_, _, true) => "suspended",
        _ => "live",
    };

    seq_print!(lines, "iomd-map:\t{}\n", now.id);
    seq_print!(lines, "iomd-descriptor:\t{}\n", now.descriptor_id);
    seq_print!(lines, "iomd-offset:\t{}\n", now.offset);
    seq_print!(lines, "iomd-length:\t{}\n", now.length);
    seq_print!(lines, "iomd-options:\t{:#x}\n", now.options.bits());
    seq_print!(lines, "iomd-state:\t{}\n", state);
    seq_print!(lines, "iomd-waiters:\t{}\n", now.waiters);
}
