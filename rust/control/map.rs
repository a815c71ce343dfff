// SPDX-License-Identifier: GPL-2.0

//! Calls on a map's file.

use super::{
    argument::Argument,
    bytes, check_flags,
    handle::{reopen, MapFile},
    map_info,
};
use crate::{
    abi::{
        iomd_map_seal, iomd_map_segment, iomd_unmap, iomd_wait, IOMD_MAPPED_READ,
        IOMD_MAPPED_WRITE, IOMD_MAP_DMA_BUF_EXPORT, IOMD_MAP_INFO, IOMD_MAP_INTO_TASK,
        IOMD_MAP_REOPEN, IOMD_MAP_SEAL, IOMD_MAP_SEGMENT, IOMD_MAP_WIRE, IOMD_REDIRECT,
        IOMD_RESUME, IOMD_SUSPEND, IOMD_UNMAP, IOMD_WAIT_WRITE,
    },
    map::view,
    os::{
        file::{self, FileObject, FileOperations, Readiness},
        task::Pid,
        user,
        wait::WaitQueue,
    },
};
use core::mem::size_of;
use kernel::{
    fs::File,
    mm::virt::VmaNew,
    prelude::*,
    seq_file::SeqFile,
    uaccess::{UserPtr, UserSlice},
};
use zerocopy::IntoBytes;

/// The most waits that one read tells of.
const READ_MAX: usize = 64;

impl MapFile {
    fn segment(&self, argument: UserPtr) -> Result<isize> {
        let mut argument = Argument::<iomd_map_segment>::read_to_answer(argument)?;
        let segment = &mut argument.value;

        // As for /proc/PID/pagemap: where memory is helps to attack it.
        if !user::may_administer() {
            return Err(EPERM);
        }
        check_flags(segment.flags, 0)?;
        let left = self
            .map()
            .length()
            .checked_sub(segment.offset)
            .filter(|&left| left != 0)
            .ok_or(ERANGE)?;
        let found = self.map().segment(segment.offset, left)?;
        segment.address = found.address;
        segment.length = found.length;
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
            IOMD_MAP_INFO => map_info::answer(argument, || self.map().info()),
            IOMD_REDIRECT => self.redirect(argument),
            IOMD_RESUME => self.resume(argument),
            IOMD_UNMAP => self.unmap(argument),
            IOMD_MAP_REOPEN => reopen(argument, || Self::open(self.map().clone())),
            IOMD_MAP_SEAL => self.seal(argument),
            IOMD_SUSPEND => self.suspend(argument),
            IOMD_MAP_INTO_TASK => self.map_into_task(file, argument),
            IOMD_MAP_SEGMENT => self.segment(argument),
            IOMD_MAP_WIRE => self.wire(argument),
            IOMD_MAP_DMA_BUF_EXPORT => self.export(argument),
            IOMD_MAPPED_READ => self.mapped_read(argument),
            IOMD_MAPPED_WRITE => self.mapped_write(argument),
            _ => Err(ENOTTY),
        }
    }

    fn mmap(&self, file: &File, vma: &VmaNew) -> Result {
        view::show(self.map(), file::access(file), None, vma)
    }

    fn page_of_memory(&self, page: usize) -> usize {
        self.map().page_of_memory(page)
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
        map_info::show(lines, &self.map().info());
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
