// SPDX-License-Identifier: GPL-2.0

//! Several files in a row in the current task's address space: all of them, or none.

use super::{
    address_space::{mapped, KeptAddressSpace},
    bindings,
    mapped::MappableFile,
    task,
};
use crate::pure::remap::{self, Protection};
use core::{ops::Range, ptr::NonNull};
use kernel::{
    mm::{virt::VmaRef, MmWithUser},
    page::PAGE_SIZE,
    prelude::*,
};

/// How far below a stack nothing is put: the kernel's default, which it tells nobody.
const STACK_GUARD: usize = 256 * PAGE_SIZE;

/// The end of the address space for those who do not ask for more by its number.
const WINDOW: usize = (1 << 47) - PAGE_SIZE;

/// Part of a file that is to be mapped.
pub(crate) struct Segment {
    pub(crate) file: MappableFile,
    /// Bytes, whole pages.
    pub(crate) offset: usize,
    /// Bytes, whole pages.
    pub(crate) length: usize,
    pub(crate) protection: Protection,
    /// What is written is seen by nobody else.
    pub(crate) private: bool,
}

/// Where segments go, one after the other.
#[derive(Clone, Copy)]
pub(crate) enum Spot {
    /// The first place from `hint` on, without the bits of `mask`.
    FirstFit { hint: u64, mask: u64 },
    /// There. Occupied, it is refused, or replaced.
    At { address: u64, mask: u64, over: bool },
}

/// Maps all segments for the current task. Returns where they begin.
///
/// `ENOSPC` if there is no such place, or it is occupied; `EFAULT` if it is beyond the address space;
/// else the errors of mmap(2). Nothing is changed then; but where several segments replace what was
/// there, some of it can be gone if memory gets short just then (`ENOMEM`).
pub(crate) fn place(segments: &[Segment], spot: Spot) -> Result<usize> {
    let length = segments
        .iter()
        .try_fold(0_usize, |sum, segment| sum.checked_add(segment.length))
        .ok_or(ENOSPC)?;
    let limit = limit()?;

    match spot {
        Spot::FirstFit { hint, mask } => loop {
            let start = first_fit(hint, mask, length, limit.min(WINDOW))?;
            match reserve(start, length) {
                Ok(()) => return fill(segments, start, length),
                // Another thread was faster.
                Err(error) if error != EEXIST => return Err(error),
                Err(_) if task::is_killed() => return Err(EINTR),
                Err(_) => {}
            }
        },
        Spot::At {
            address,
            mask,
            over: false,
        } => {
            let start = fixed(address, mask, length, limit)?;
            reserve(start, length).map_err(|error| if error == EEXIST { ENOSPC } else { error })?;
            fill(segments, start, length)
        }
        Spot::At {
            address,
            mask,
            over: true,
        } => {
            let start = fixed(address, mask, length, limit)?;
            let rehearsal = rehearse(segments)?;
            let filled = map_all(segments, start);
            if let Some(rehearsal) = rehearsal {
                unmap(rehearsal, length);
            }
            filled.map(|()| start)
        }
    }
}

/// Maps several segments where nobody is in the way: what is refused there is refused before anything
/// is replaced. One alone is replaced by a call that fails as a whole.
fn rehearse(segments: &[Segment]) -> Result<Option<usize>> {
    if segments.len() < 2 {
        return Ok(None);
    }
    let spot = Spot::FirstFit { hint: 0, mask: 0 };
    let place = place(segments, spot);
    // That there is room for one does not mean that there is for two.
    let place = place.map_err(|error| if error == ENOSPC { ENOMEM } else { error })?;
    Ok(Some(place))
}

/// Maps the segments over what was reserved for them.
fn fill(segments: &[Segment], start: usize, length: usize) -> Result<usize> {
    map_all(segments, start).inspect_err(|_| unmap(start, length))?;
    Ok(start)
}

fn map_all(segments: &[Segment], start: usize) -> Result {
    let mut address = start;

    for segment in segments {
        // SAFETY: The file is valid; the call checks the rest, as for mmap(2).
        mapped(unsafe {
            bindings::iomd_vm_map_over(
                segment.file.as_raw(),
                address,
                segment.length,
                segment.protection.bits() as usize,
                segment.private,
                segment.offset,
            )
        })?;
        address = address.checked_add(segment.length).ok_or(ENOSPC)?;
    }
    Ok(())
}

/// Makes free addresses inaccessible. `EEXIST` if they are not free.
fn reserve(start: usize, length: usize) -> Result {
    // SAFETY: Nothing that is there is replaced.
    mapped(unsafe { bindings::iomd_vm_claim(start, length) }).map(|_| ())
}

/// Takes back what was mapped just now.
fn unmap(start: usize, length: usize) {
    // That fails only where memory is short, and then leaves what nobody has been told of.
    // SAFETY: Nobody was told of these addresses.
    unsafe { bindings::vm_munmap(start, length) };
}

fn fixed(address: u64, mask: u64, length: usize, limit: usize) -> Result<usize> {
    let start = remap::fixed(address, length as u64, mask, limit as u64)?;

    usize::try_from(start).map_err(|_| EFAULT)
}

fn first_fit(hint: u64, mask: u64, length: usize, limit: usize) -> Result<usize> {
    let address_space = KeptAddressSpace::current()?;
    let user = address_space.user().ok_or(ESRCH)?;
    let lock = user.mmap_read_lock();
    let limits = remap::LOWEST..limit as u64;
    let start = remap::first_fit(hint, length as u64, mask, limits, |address| {
        occupied(&user, address).map(|range| (range.start as u64, range.end as u64))
    });

    drop(lock);
    usize::try_from(start?).map_err(|_| ENOSPC)
}

/// What is mapped first at or above an address. The mmap lock is held.
fn occupied(user: &MmWithUser, address: u64) -> Option<Range<usize>> {
    let address = usize::try_from(address).ok()?;
    // SAFETY: The address space has a user, and the lock is held.
    let vma = NonNull::new(unsafe { bindings::find_vma(user.as_raw(), address) })?;
    // SAFETY: It stays under the lock.
    let (vma, grows_down) = unsafe {
        (
            VmaRef::from_raw(vma.as_ptr()),
            bindings::iomd_vma_grows_down(vma.as_ptr()),
        )
    };
    let guard = if grows_down { STACK_GUARD } else { 0 };

    Some(vma.start().saturating_sub(guard)..vma.end())
}

/// The end of the current task's address space.
fn limit() -> Result<usize> {
    let address_space = KeptAddressSpace::current()?;

    // SAFETY: It is valid, and its size was set when its program was started.
    Ok(unsafe { (*address_space.as_raw()).__bindgen_anon_1.task_size })
}
