// SPDX-License-Identifier: GPL-2.0

//! Calls on a map's file.

use super::{
    abandoned,
    argument::Argument,
    bytes, check_flags, check_padding, deadline,
    handle::{DescriptorFile, MapFile},
    task::TaskFile,
};
use crate::{
    abi::{
        iomd_map_info, iomd_map_into_task, iomd_map_reopen, iomd_map_seal, iomd_redirect,
        iomd_resume, iomd_suspend, iomd_unmap, iomd_wait, IOMD_INHERIT_NONE, IOMD_INHERIT_SHARE,
        IOMD_INTO_TASK_FIXED, IOMD_INTO_TASK_OVERWRITE, IOMD_INTO_TASK_PREFAULT,
        IOMD_INTO_TASK_READ_ONLY, IOMD_MAP_DESCRIPTOR_SUSPENDED, IOMD_MAP_ENDED, IOMD_MAP_EXPIRED,
        IOMD_MAP_INFO, IOMD_MAP_INTO_TASK, IOMD_MAP_REOPEN, IOMD_MAP_SEAL, IOMD_MAP_SEALED,
        IOMD_MAP_SUSPENDED, IOMD_NO_DESCRIPTOR, IOMD_REDIRECT, IOMD_REDIRECT_ABANDONED_RESUME,
        IOMD_REDIRECT_ABANDONED_SIGBUS, IOMD_REDIRECT_REFUSE_PINNED, IOMD_RESUME, IOMD_SUSPEND,
        IOMD_UNMAP, IOMD_WAIT_WRITE,
    },
    map::{view, Inheritance, Patience, Target},
    os::{
        address_space::{Mapping, Placing},
        file::{self, Access, FileObject, FileOperations, Readiness},
        task::Pid,
        wait::{Deadline, WaitQueue},
    },
    pure::range::PageRange,
};
use core::mem::size_of;
use kernel::{
    fs::File,
    mm::virt::VmaNew,
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    uaccess::{UserPtr, UserSlice},
};
use zerocopy::IntoBytes;

const REDIRECT_FLAGS: u32 =
    IOMD_REDIRECT_REFUSE_PINNED | IOMD_REDIRECT_ABANDONED_SIGBUS | IOMD_REDIRECT_ABANDONED_RESUME;

/// How long a task may take to map what it is asked to, unless the caller says: far longer than it
/// takes one that can be reached at all.
const PATIENCE_S: u64 = 10;

/// The most waits that one read tells of.
const READ_MAX: usize = 64;

/// How long a suspension lasts, from its flags and deadline.
fn patience(flags: u32, deadline_ns: u64) -> Result<Patience> {
    Ok(Patience {
        deadline: deadline(deadline_ns)?,
        abandoned: abandoned(
            flags & IOMD_REDIRECT_ABANDONED_SIGBUS != 0,
            flags & IOMD_REDIRECT_ABANDONED_RESUME != 0,
        )?,
    })
}

impl MapFile {
    fn info(&self, argument: UserPtr) -> Result<isize> {
        let mut argument = Argument::<iomd_map_info>::read_to_answer(argument)?;
        let info = &mut argument.value;

        check_flags(info.flags, 0)?;
        let map = self.map();
        let now = map.info();
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
        *info = iomd_map_info {
            size: info.size,
            flags: 0,
            state,
            options: map.options().bits(),
            inheritance: match map.inheritance() {
                Inheritance::Share => IOMD_INHERIT_SHARE,
                Inheritance::None => IOMD_INHERIT_NONE,
            },
            task,
            id: map.id(),
            descriptor_id: now.descriptor_id,
            offset: bytes(now.first_page),
            length: map.length(),
            mapped_size: bytes(map.range().pages()),
            address: address as u64,
            generation: now.generation,
            redirects: now.redirects,
            faults: now.faults,
            waiters: now.waiters,
            waits: now.waits,
            longest_wait_ns: now.longest_wait_ns,
        };
        argument.answer()
    }

    fn redirect(&self, argument: UserPtr) -> Result<isize> {
        let mut argument = Argument::<iomd_redirect>::read_to_answer(argument)?;
        let redirect = &mut argument.value;
        let map = self.map();

        check_flags(redirect.flags, REDIRECT_FLAGS)?;
        if redirect.options != 0 && redirect.options != map.options().bits() {
            return Err(EINVAL);
        }
        let refuse_pinned = redirect.flags & IOMD_REDIRECT_REFUSE_PINNED != 0;
        let pinned = if redirect.descriptor == IOMD_NO_DESCRIPTOR {
            if redirect.offset != 0 {
                return Err(EINVAL);
            }
            let patience = patience(redirect.flags, redirect.deadline_ns)?;
            self.handle()
                .suspend(self.map().range(), patience, refuse_pinned)?
        } else {
            // What only a suspension has.
            if redirect.flags & !IOMD_REDIRECT_REFUSE_PINNED != 0 || redirect.deadline_ns != 0 {
                return Err(EINVAL);
            }
            let target = self.target(redirect.descriptor, redirect.offset)?;
            self.handle().redirect(target, refuse_pinned)?
        };
        redirect.pinned = pinned as u64;
        argument.answer()
    }

    fn suspend(&self, argument: UserPtr) -> Result<isize> {
        let mut argument = Argument::<iomd_suspend>::read_to_answer(argument)?;
        let suspend = &mut argument.value;

        check_flags(suspend.flags, REDIRECT_FLAGS)?;
        let patience = patience(suspend.flags, suspend.deadline_ns)?;
        let range = PageRange::part(self.map().range(), suspend.offset, suspend.length)?;
        let refuse_pinned = suspend.flags & IOMD_REDIRECT_REFUSE_PINNED != 0;
        suspend.pinned = self.handle().suspend(range, patience, refuse_pinned)? as u64;
        argument.answer()
    }

    /// New memory for the map: what `descriptor` has from `offset` on.
    pub(super) fn target(&self, descriptor: i32, offset: u64) -> Result<Target> {
        let map = self.map();
        let target = file::Descriptor::<DescriptorFile>::get(descriptor)?;
        let descriptor = target.object().descriptor().clone();
        let range = map.range().moved_to(descriptor.range(), offset)?;

        if !map.options().is_read_only() && !target.access().is_writable() {
            return Err(EACCES);
        }
        Ok(Target { descriptor, range })
    }

    fn reopen(&self, argument: UserPtr) -> Result<isize> {
        let argument = Argument::<iomd_map_reopen>::read_to_answer(argument)?;

        check_flags(argument.value.flags, 0)?;
        check_padding(argument.value.padding)?;
        argument.answer_with_file(Self::open(self.map().clone())?, |reopen, fd| reopen.fd = fd)
    }

    fn resume(&self, argument: UserPtr) -> Result<isize> {
        let argument = Argument::<iomd_resume>::read(argument)?;

        check_flags(argument.value.flags, 0)?;
        let range = PageRange::part(
            self.map().range(),
            argument.value.offset,
            argument.value.length,
        )?;
        self.handle().resume(range)?;
        Ok(0)
    }

    fn map_into_task(&self, file: &File, argument: UserPtr) -> Result<isize> {
        let mut argument = Argument::<iomd_map_into_task>::read_to_answer(argument)?;
        let into = &mut argument.value;

        check_flags(
            into.flags,
            IOMD_INTO_TASK_FIXED
                | IOMD_INTO_TASK_OVERWRITE
                | IOMD_INTO_TASK_READ_ONLY
                | IOMD_INTO_TASK_PREFAULT,
        )?;
        check_padding(into.padding)?;
        let has = |flag| into.flags & flag != 0;
        let address = usize::try_from(into.address).map_err(|_| ENOMEM)?;
        let placing = match (has(IOMD_INTO_TASK_FIXED), has(IOMD_INTO_TASK_OVERWRITE)) {
            (false, false) => Placing::Anywhere(address),
            (true, false) => Placing::Fixed(address),
            (false, true) => Placing::Over(address),
            (true, true) => return Err(EINVAL),
        };
        let range = PageRange::part(self.map().range(), into.offset, into.length)?;
        let deadline = match deadline(into.deadline_ns)? {
            Deadline::NEVER => Deadline::in_seconds(PATIENCE_S),
            deadline => deadline,
        };
        let task = file::Descriptor::<TaskFile>::get(into.task)?;
        let read_only = has(IOMD_INTO_TASK_READ_ONLY) || self.map().options().is_read_only();
        let access = if read_only {
            Access::Read
        } else {
            Access::ReadWrite
        };
        let mapping = Mapping {
            placing,
            access,
            length: usize::try_from(bytes(range.pages())).map_err(|_| ENOMEM)?,
            offset: usize::try_from(into.offset).map_err(|_| ERANGE)?,
            populate: has(IOMD_INTO_TASK_PREFAULT),
        };

        let own = task.file();
        let address = task
            .object()
            .task()
            .map(own, file.into(), mapping, deadline)?;
        argument.value.address = address as u64;
        argument.answer()
    }

    fn unmap(&self, argument: UserPtr) -> Result<isize> {
        let argument = Argument::<iomd_unmap>::read(argument)?;

        check_flags(argument.value.flags, 0)?;
        self.handle().unmap()?;
        Ok(0)
    }

    fn seal(&self, argument: UserPtr) -> Result<isize> {
        let argument = Argument::<iomd_map_seal>::read(argument)?;

        check_flags(argument.value.flags, 0)?;
        self.handle().seal()?;
        Ok(0)
    }
}

impl FileObject for MapFile {
    const NAME: &'static CStr = c"[iomd-map]";

    fn operations() -> &'static FileOperations<Self> {
        static OPERATIONS: FileOperations<MapFile> = FileOperations::new();
        &OPERATIONS
    }

    fn ioctl(&self, file: &File, command: u32, argument: UserPtr) -> Result<isize> {
        match command {
            IOMD_MAP_INFO => self.info(argument),
            IOMD_REDIRECT => self.redirect(argument),
            IOMD_RESUME => self.resume(argument),
            IOMD_UNMAP => self.unmap(argument),
            IOMD_MAP_REOPEN => self.reopen(argument),
            IOMD_MAP_SEAL => self.seal(argument),
            IOMD_SUSPEND => self.suspend(argument),
            IOMD_MAP_INTO_TASK => self.map_into_task(file, argument),
            _ => Err(ENOTTY),
        }
    }

    fn mmap(&self, file: &File, vma: &VmaNew) -> Result {
        view::show(self.map(), file::access(file), vma)
    }

    fn read(&self, buffer: UserSlice, without_wait: bool) -> Result<usize> {
        let map = self.map();
        let mut writer = buffer.writer();
        let room = (writer.len() / size_of::<iomd_wait>()).min(READ_MAX);
        if room == 0 {
            return Err(EINVAL);
        }
        let mut length = 0_usize;

        for report in map.report(room, without_wait)? {
            let wait = iomd_wait {
                page: bytes(report.page),
                address: report.address as u64,
                flags: if report.write { IOMD_WAIT_WRITE } else { 0 },
                thread: report.thread.as_ref().map_or(0, Pid::number),
            };
            writer
                .write_slice(wait.as_bytes())
                .inspect_err(|_| map.forget_reports())?;
            length = length.saturating_add(size_of::<iomd_wait>());
        }
        Ok(length)
    }

    fn show_fdinfo(&self, lines: &SeqFile) {
        let map = self.map();
        let now = map.info();
        let state = match (now.ended, now.expired, now.suspended) {
            (true, _, _) => "ended",
            (_, true, _) => "expired",
            (_, _, true) => "suspended",
            _ => "live",
        };

        seq_print!(lines, "iomd-map:\t{}\n", map.id());
        seq_print!(lines, "iomd-descriptor:\t{}\n", now.descriptor_id);
        seq_print!(lines, "iomd-offset:\t{}\n", bytes(now.first_page));
        seq_print!(lines, "iomd-length:\t{}\n", map.length());
        seq_print!(lines, "iomd-options:\t{:#x}\n", map.options().bits());
        seq_print!(lines, "iomd-state:\t{}\n", state);
        seq_print!(lines, "iomd-waiters:\t{}\n", now.waiters);
    }

    fn poll_queue(&self) -> Option<&WaitQueue> {
        Some(self.map().pollers())
    }

    fn readiness(&self) -> Readiness {
        Readiness {
            readable: self.map().has_news(),
            hung_up: self.map().has_ended(),
        }
    }
}
