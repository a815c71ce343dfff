// SPDX-License-Identifier: GPL-2.0

//! Calls on a descriptor that copy its bytes to and from the caller's memory.

use super::{argument::Argument, check_flags, handle::DescriptorFile};
use crate::{
    abi::{iomd_read_bytes, iomd_write_bytes},
    descriptor::{
        prepared::{Prepared, Purpose},
        Descriptor,
    },
    os::{file, task},
    pure::range::PageRange,
};
use kernel::{
    fs::File,
    page::PAGE_SIZE,
    prelude::*,
    uaccess::{UserPtr, UserSlice},
};

impl DescriptorFile {
    pub(super) fn read_bytes(&self, argument: UserPtr) -> Result<isize> {
        let mut argument = Argument::<iomd_read_bytes>::read_to_answer(argument)?;
        let read = &mut argument.value;

        check_flags(read.flags, 0)?;
        read.done = if self.has(read.offset, read.length) {
            let _memory = self.prepare_bytes(read.offset, read.length, Purpose::Look)?;
            let mut to = user(read.address, read.length)?.writer();
            self.each_page(read.offset, read.length, |offset, bytes| {
                self.descriptor().read(offset, bytes)?;
                to.write_slice(bytes)
            })?
        } else {
            0
        };
        argument.answer()
    }

    pub(super) fn write_bytes(&self, file: &File, argument: UserPtr) -> Result<isize> {
        let mut argument = Argument::<iomd_write_bytes>::read_to_answer(argument)?;
        let write = &mut argument.value;

        check_flags(write.flags, 0)?;
        if !self.may_write(file::access(file)) {
            return Err(EACCES);
        }
        write.done = if self.has(write.offset, write.length) {
            let _memory = self.prepare_bytes(write.offset, write.length, Purpose::Write)?;
            let mut from = user(write.address, write.length)?.reader();
            self.each_page(write.offset, write.length, |offset, bytes| {
                from.read_slice(bytes)?;
                self.descriptor().write(offset, bytes)
            })?
        } else {
            0
        };
        argument.answer()
    }

    /// Whether the bytes are all inside.
    fn has(&self, offset: u64, length: u64) -> bool {
        offset
            .checked_add(length)
            .is_some_and(|end| end <= self.descriptor().length())
    }

    /// Sees that the memory of these bytes is there, if there are any. What keeps it from that, and
    /// `EACCES` if it is not to be written.
    pub(super) fn prepare_bytes(
        &self,
        offset: u64,
        length: u64,
        purpose: Purpose,
    ) -> Result<Option<Prepared>> {
        let Some(last) = length.checked_sub(1) else {
            return Ok(None);
        };
        let descriptor = self.descriptor();
        let page = |offset| Some(descriptor.extents().locate(offset)?.page);
        let first = page(offset).ok_or(ERANGE)?;
        let last = offset.checked_add(last).and_then(page).ok_or(ERANGE)?;
        let range = last
            .checked_sub(first)
            .and_then(|more| PageRange::new(first, more.checked_add(1)?))
            .ok_or(ERANGE)?;

        Descriptor::prepare(descriptor, range, purpose).map(Some)
    }

    /// Calls `copy` with the offset of the bytes in each page, and room for them; says how many it
    /// copied before an error. That only if there were none, and `EINTR` if the task is killed.
    ///
    /// They go through memory of the call's own: while the caller's is touched, nothing of the
    /// descriptor is held.
    fn each_page(
        &self,
        offset: u64,
        length: u64,
        mut copy: impl FnMut(u64, &mut [u8]) -> Result,
    ) -> Result<u64> {
        let mut room = KVec::from_elem(0, PAGE_SIZE, GFP_KERNEL)?;
        let mut done = 0;

        while done < length {
            let left = usize::try_from(length - done).unwrap_or(usize::MAX);
            let copied = self.descriptor().in_page(offset + done).and_then(|count| {
                let bytes = room.get_mut(..count.min(left)).ok_or(ERANGE)?;
                copy(offset + done, bytes)?;
                Ok(bytes.len() as u64)
            });
            if task::is_killed() {
                return Err(EINTR);
            }
            match copied {
                Ok(count) => done += count,
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
            task::yield_if_needed();
        }
        Ok(done)
    }
}

/// The caller's memory.
fn user(address: u64, length: u64) -> Result<UserSlice> {
    let address = usize::try_from(address).map_err(|_| EFAULT)?;
    let length = usize::try_from(length).map_err(|_| EFAULT)?;

    Ok(UserSlice::new(UserPtr::from_addr(address), length))
}
