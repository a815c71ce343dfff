// SPDX-License-Identifier: MIT OR Apache-2.0

//! Mappings: memory in the calling process's address space.

use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::os::fd::AsFd;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering, fence};

use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};

use crate::Request;
use crate::error::Asked;

const WORD: usize = size_of::<u64>();

/// What lengths are rounded up to.
pub(crate) const PAGE: usize = 4096;

/// Memory in the calling process's address space, unmapped on drop.
///
/// Others may change it at any time, so there is no `&[u8]` of it: it is read and written word by
/// word, or through a raw pointer. An access may wait for as long as the map is suspended. When the
/// map has ended it gets `SIGBUS`; when it is read-only, a write gets `SIGSEGV`.
#[derive(Debug)]
pub struct Mapping {
    address: NonNull<u8>,
    length: usize,
    /// Bytes on each side that are its own too, and inaccessible.
    guard: usize,
}

// SAFETY: the memory belongs to the process and not to a thread.
unsafe impl Send for Mapping {}
// SAFETY: it is reached through atomic accesses only.
unsafe impl Sync for Mapping {}

/// Where a mapping goes, and of what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placement {
    pub place: Place,
    pub offset: u64,
    /// Bytes.
    pub length: usize,
    pub read_only: bool,
    /// All of its pages are touched at once.
    pub prefault: bool,
    /// Bytes, whole pages, that are kept inaccessible on each side: of what may be anywhere.
    pub guard: usize,
}

/// The address of a mapping.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Place {
    #[default]
    Anywhere,
    /// There, where nothing may be.
    At(usize),
    /// There, in place of what is there.
    Over(usize),
}

impl Mapping {
    /// Zeroed memory of the process's own, and of the children that it forks, which no map shows: for
    /// tests of programs that work on mappings.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `length` is 0; `ENOMEM`.
    pub fn anonymous(length: usize) -> crate::Result<Self> {
        let rights = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: nothing that is there is replaced.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), length, rights, MapFlags::SHARED) };
        start
            .and_then(|start| NonNull::new(start.cast()).ok_or(Errno::INVAL))
            .map(|address| Self { address, length, guard: 0 })
            .asked(|| Request::MapFresh { length })
    }

    /// # Safety
    ///
    /// Of a mapping over others: nothing that is there is used any more.
    pub(crate) unsafe fn new(object: impl AsFd, placement: Placement) -> Result<Self, Errno> {
        if placement.guard == 0 {
            // SAFETY: as required.
            return unsafe { Self::without_guards(object, placement) };
        }
        let Placement { place: Place::Anywhere, length, guard, .. } = placement else {
            return Err(Errno::INVAL);
        };
        // Its place is kept by the guards' own mapping.
        let mapped = length.checked_next_multiple_of(PAGE).ok_or(Errno::NOMEM)?;
        let reserved = mapped.checked_add(2 * guard).ok_or(Errno::NOMEM)?;
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        let rights = ProtFlags::empty();
        // SAFETY: nothing that is there is replaced.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), reserved, rights, flags) }?;
        let place = Place::Over(start.addr() + guard);
        // SAFETY: it goes over what was reserved just now.
        match unsafe { Self::without_guards(object, Placement { place, ..placement }) } {
            Ok(mut mapping) => {
                mapping.guard = guard;
                Ok(mapping)
            }
            Err(errno) => {
                // SAFETY: nobody else knows of it yet.
                let unmapped = unsafe { munmap(start, reserved) };
                debug_assert!(unmapped.is_ok(), "munmap: {unmapped:?}");
                Err(errno)
            }
        }
    }

    /// # Safety
    ///
    /// As [`new`](Self::new).
    unsafe fn without_guards(object: impl AsFd, placement: Placement) -> Result<Self, Errno> {
        let Placement { place, offset, length, read_only, prefault, guard: _ } = placement;
        let rights = if read_only { ProtFlags::READ } else { ProtFlags::READ | ProtFlags::WRITE };
        let (hint, mut flags) = match place {
            Place::Anywhere => (0, MapFlags::SHARED),
            Place::At(address) => (address, MapFlags::SHARED | MapFlags::FIXED_NOREPLACE),
            Place::Over(address) => (address, MapFlags::SHARED | MapFlags::FIXED),
        };
        flags.set(MapFlags::POPULATE, prefault);
        let hint = ptr::without_provenance_mut::<c_void>(hint);
        // SAFETY: only what is mapped over others replaces what is there, as the caller has promised
        // that it may.
        let start = unsafe { mmap(hint, length, rights, flags, object, offset) };
        let address = NonNull::new(start?.cast()).ok_or(Errno::INVAL)?;
        Ok(Self { address, length, guard: 0 })
    }

    /// Where it is.
    pub fn as_ptr(&self) -> *mut u8 {
        self.address.as_ptr()
    }

    /// Bytes, as asked for.
    #[expect(clippy::len_without_is_empty, reason = "the kernel refuses empty mappings")]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Leaves the memory mapped, and its guards, for as long as the process lives.
    pub fn leak(self) -> *mut u8 {
        ManuallyDrop::new(self).as_ptr()
    }

    /// Reads the word at `offset`, in the machine's byte order, in one access (relaxed).
    ///
    /// # Panics
    ///
    /// If `offset` is not a multiple of 8, or the word is not inside.
    pub fn load_u64(&self, offset: usize) -> u64 {
        self.load_u64_ordered(offset, Ordering::Relaxed)
    }

    /// As [`load_u64`](Self::load_u64), ordered as told: relaxed, acquire or, if the memory is mapped
    /// writable, sequentially consistent.
    ///
    /// # Panics
    ///
    /// As [`load_u64`](Self::load_u64), and for the orderings that
    /// [`AtomicU64::load`] does not take.
    pub fn load_u64_ordered(&self, offset: usize, ordering: Ordering) -> u64 {
        let word = self.word(offset);
        match ordering {
            // The same, but allowed also where the memory is mapped read-only.
            Ordering::Acquire => {
                let value = word.load(Ordering::Relaxed);
                fence(Ordering::Acquire);
                value
            }
            ordering => word.load(ordering),
        }
    }

    /// Writes the word at `offset`, in the machine's byte order, in one access (relaxed).
    ///
    /// # Panics
    ///
    /// If `offset` is not a multiple of 8, or the word is not inside.
    pub fn store_u64(&self, offset: usize, value: u64) {
        self.store_u64_ordered(offset, value, Ordering::Relaxed);
    }

    /// As [`store_u64`](Self::store_u64), ordered as told.
    ///
    /// # Panics
    ///
    /// As [`store_u64`](Self::store_u64), and for the orderings that
    /// [`AtomicU64::store`] does not take.
    pub fn store_u64_ordered(&self, offset: usize, value: u64, ordering: Ordering) {
        self.word(offset).store(value, ordering);
    }

    /// Copies the bytes from `offset` on out of the memory. What others write meanwhile may be in
    /// the copy in part; only aligned words are whole.
    ///
    /// # Panics
    ///
    /// If the range is not inside.
    pub fn read_bytes(&self, offset: usize, bytes: &mut [u8]) {
        let (head, words, tail) = self.atomics(offset, bytes.len());
        let (first, rest) = bytes.split_at_mut(head.len());
        let (middle, last) = rest.split_at_mut(size_of_val(words));
        for (byte, atomic) in first.iter_mut().zip(head) {
            *byte = atomic.load(Ordering::Relaxed);
        }
        for (bytes, atomic) in middle.chunks_exact_mut(WORD).zip(words) {
            bytes.copy_from_slice(&atomic.load(Ordering::Relaxed).to_ne_bytes());
        }
        for (byte, atomic) in last.iter_mut().zip(tail) {
            *byte = atomic.load(Ordering::Relaxed);
        }
    }

    /// Copies `bytes` into the memory, from `offset` on. Others may see it done in part; only
    /// aligned words are whole.
    ///
    /// # Panics
    ///
    /// If the range is not inside.
    pub fn write_bytes(&self, offset: usize, bytes: &[u8]) {
        let (head, words, tail) = self.atomics(offset, bytes.len());
        let (first, rest) = bytes.split_at(head.len());
        let (middle, last) = rest.split_at(size_of_val(words));
        for (byte, atomic) in first.iter().zip(head) {
            atomic.store(*byte, Ordering::Relaxed);
        }
        for (bytes, atomic) in middle.chunks_exact(WORD).zip(words) {
            let mut word = [0; WORD];
            word.copy_from_slice(bytes);
            atomic.store(u64::from_ne_bytes(word), Ordering::Relaxed);
        }
        for (byte, atomic) in last.iter().zip(tail) {
            atomic.store(*byte, Ordering::Relaxed);
        }
    }

    fn word(&self, offset: usize) -> &AtomicU64 {
        match self.atomics(offset, WORD) {
            ([], [word], []) => word,
            _ => panic!("offset {offset:#x} is not a multiple of {WORD}"),
        }
    }

    /// The bytes from `offset` on, as many whole words of them as there are.
    fn atomics(&self, offset: usize, length: usize) -> (&[AtomicU8], &[AtomicU64], &[AtomicU8]) {
        assert!(
            offset <= self.length && length <= self.length - offset,
            "{length} bytes at offset {offset:#x} are not inside a mapping of {} bytes",
            self.length
        );
        // SAFETY: the offset is inside the mapping.
        let start = unsafe { self.address.add(offset) };
        // SAFETY: the range is mapped for as long as `self` lives. Atomics may change while they are
        // borrowed, whoever changes them.
        let bytes = unsafe { slice::from_raw_parts(start.cast::<AtomicU8>().as_ptr(), length) };
        // SAFETY: any eight bytes are a word.
        unsafe { bytes.align_to() }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        let start = self.as_ptr().wrapping_sub(self.guard);
        let length = match self.guard {
            0 => self.length,
            guard => self.length.next_multiple_of(PAGE) + 2 * guard,
        };
        // SAFETY: the range is this mapping's own, and nothing borrows from it any more.
        let unmapped = unsafe { munmap(start.cast(), length) };
        debug_assert!(unmapped.is_ok(), "munmap: {unmapped:?}");
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

    use super::*;

    const LENGTH: usize = 4096;

    fn mapped(place: Place, guard: usize) -> Result<Mapping, Errno> {
        let file = memfd_create("mapping", MemfdFlags::CLOEXEC).unwrap();
        ftruncate(&file, LENGTH as u64).unwrap();
        let placement = Placement {
            place,
            offset: 0,
            length: LENGTH,
            read_only: false,
            prefault: false,
            guard,
        };
        // SAFETY: no test maps over what it uses.
        unsafe { Mapping::new(file, placement) }
    }

    fn mapping() -> Mapping {
        mapped(Place::Anywhere, 0).unwrap()
    }

    #[test]
    fn copies_of_every_alignment_and_length_arrive() {
        let mapping = mapping();
        let pattern: Vec<u8> = (1..=40).collect();
        for offset in 0..=WORD {
            for length in 0..=pattern.len() {
                let mut around = [0xff; 64];
                mapping.write_bytes(0, &around);
                mapping.write_bytes(offset, &pattern[..length]);

                around[offset..offset + length].copy_from_slice(&pattern[..length]);
                let mut seen = [0; 64];
                mapping.read_bytes(0, &mut seen);
                assert_eq!(seen, around);

                let mut part = vec![0; length];
                mapping.read_bytes(offset, &mut part);
                assert_eq!(part, pattern[..length]);
            }
        }
    }

    #[test]
    fn words_are_in_the_machine_s_order() {
        let mapping = mapping();
        mapping.store_u64(LENGTH - WORD, 0x0102_0304_0506_0708);
        assert_eq!(mapping.load_u64(LENGTH - WORD), 0x0102_0304_0506_0708);
        let mut bytes = [0; WORD];
        mapping.read_bytes(LENGTH - WORD, &mut bytes);
        assert_eq!(u64::from_ne_bytes(bytes), 0x0102_0304_0506_0708);
    }

    #[test]
    fn what_is_not_inside_is_refused() {
        let mapping = mapping();
        let refused = |access: &dyn Fn()| catch_unwind(AssertUnwindSafe(access)).is_err();
        assert!(refused(&|| mapping.store_u64(LENGTH, 0)));
        assert!(refused(&|| mapping.store_u64(4, 0)));
        assert!(refused(&|| mapping.write_bytes(LENGTH - 1, &[0; 2])));
        assert!(refused(&|| mapping.read_bytes(usize::MAX, &mut [0; 2])));
        mapping.write_bytes(LENGTH, &[]);
    }

    #[test]
    fn an_occupied_address_is_left_alone() {
        let first = mapping();
        first.store_u64(0, 7);
        let place = Place::At(first.as_ptr().addr());
        assert_eq!(mapped(place, 0).unwrap_err(), Errno::EXIST);
        assert_eq!(first.load_u64(0), 7);
    }

    #[test]
    fn guards_come_and_go_with_it() {
        let first = mapped(Place::Anywhere, PAGE).unwrap();
        first.store_u64(0, 7);
        let start = first.as_ptr().addr();
        let neighbours = [start - PAGE, start + LENGTH];
        for neighbour in neighbours {
            assert_eq!(mapped(Place::At(neighbour), 0).unwrap_err(), Errno::EXIST);
        }
        drop(first);
        for neighbour in neighbours {
            mapped(Place::At(neighbour), 0).unwrap();
        }
        assert_eq!(mapped(Place::At(start), PAGE).unwrap_err(), Errno::INVAL);
    }
}
