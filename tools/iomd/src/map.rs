// SPDX-License-Identifier: MIT OR Apache-2.0

//! Maps: memory as one object, mapped by any number of processes.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use iomd_sys as sys;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::call::{Argument, call, received};
use crate::error::Asked;
use crate::mapping::{Place, Placement};
use crate::{
    Descriptor, Inheritance, MapIntoBuilder, MapOptions, Mapping, RedirectBuilder, Redirected,
    Request, Result, SuspendBuilder, Task, Wait, wait,
};

/// Memory as one object, mapped by any number of processes: XNU's `IOMemoryMap`.
///
/// Unless made with [`keep`](crate::MapBuilder::keep), the mappings end when the last file
/// descriptor of the map is closed.
#[derive(Debug)]
pub struct Map {
    fd: OwnedFd,
    shape: OnceLock<Shape>,
}

/// What mmap(2) of a map takes, which never changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Bytes, whole pages.
    pub mapped_size: u64,
    pub options: MapOptions,
}

impl AsFd for Map {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Nothing is checked: the calls of a file that is no such object are refused.
impl From<OwnedFd> for Map {
    fn from(fd: OwnedFd) -> Self {
        Self { fd, shape: OnceLock::new() }
    }
}

impl From<Map> for OwnedFd {
    fn from(map: Map) -> Self {
        map.fd
    }
}

/// What is known of a map, from [`Map::info`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MapInfo {
    /// Its id.
    pub id: u64,
    /// The memory behind it, or the last one while it is suspended (`getMemoryDescriptor`).
    pub descriptor_id: u64,
    /// Where it starts in the descriptor, in bytes.
    pub offset: u64,
    /// Bytes, as asked for (`getLength`).
    pub length: u64,
    /// Bytes, whole pages: what mmap(2) takes.
    pub mapped_size: u64,
    /// As it was made with (`getMapOptions`).
    pub options: MapOptions,
    /// As it was made with.
    pub inheritance: Inheritance,
    /// Whether accesses wait, unless `expired`.
    pub suspended: bool,
    /// Whether it is suspended and accesses get `SIGBUS`: its deadline has passed, or its owner is
    /// gone.
    pub expired: bool,
    /// Whether the descriptor behind it is suspended, expired or not. That is apart from `suspended`.
    pub descriptor_suspended: bool,
    /// Whether one handle alone controls it.
    pub sealed: bool,
    /// Whether it is in the kernel's own address space.
    pub in_kernel: bool,
    /// Whether nobody can hold its pages, as for I/O.
    pub unpinnable: bool,
    /// Whether accesses get `SIGBUS`.
    pub ended: bool,
    /// The process that mapped it first and still does, in the caller's pid namespace
    /// (`getAddressTask`).
    pub task: Option<i32>,
    /// Where that process has its first page: there, and `page_offset` on, is its first byte
    /// (`getAddress`).
    pub address: Option<u64>,
    /// Rises by one with each change of backing or state.
    pub generation: u64,
    /// How many times the backing was switched.
    pub redirects: u64,
    /// Page faults served.
    pub faults: u64,
    /// Accesses that wait now.
    pub waiters: u64,
    /// Accesses that ever waited.
    pub waits: u64,
    /// The longest wait of those that ended.
    pub longest_wait: Duration,
    /// Where in the first page the first byte is.
    pub page_offset: u64,
    /// Bytes of pages that are wired.
    pub wired: u64,
    /// Of a sub-map or a record, the id of the map that it is part of.
    pub part_of: Option<u64>,
    /// Whether it is a sub-map, which keeps the map that it is part of.
    pub sub_map: bool,
}

/// A part of a map that is in one piece in physical memory, from [`Map::physical_segment`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Where it is in physical memory.
    pub address: u64,
    /// Bytes.
    pub length: u64,
}

/// How a part of a map is mapped, for [`Map::mmap_with`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MmapOptions {
    /// Where in the map it starts: bytes, a multiple of the page size.
    pub offset: u64,
    /// Bytes, rounded up to whole pages; 0 = to the map's end.
    pub length: usize,
    /// Where it shall be, a multiple of the page size; anywhere if `None`.
    pub address: Option<usize>,
    /// Whether this mapping shall be for reading only.
    pub read_only: bool,
}

impl Map {
    /// A new one.
    pub(crate) fn new(fd: OwnedFd, shape: Shape) -> Self {
        Self { fd, shape: shape.into() }
    }

    /// How it is mapped. The kernel is asked only of a map that was not made here.
    fn shape(&self) -> Result<Shape> {
        if let Some(shape) = self.shape.get() {
            return Ok(*shape);
        }
        let MapInfo { mapped_size, options, .. } = self.info()?;
        Ok(*self.shape.get_or_init(|| Shape { mapped_size, options }))
    }

    /// What is known of it now.
    ///
    /// # Errors
    ///
    /// `ENOTTY` if the file is not a map.
    pub fn info(&self) -> Result<MapInfo> {
        let info = call(self, sys::iomd_map_info::sized()).asked(|| Request::MapInfo)?;
        Ok(MapInfo {
            id: info.id,
            descriptor_id: info.descriptor_id,
            offset: info.offset,
            length: info.length,
            mapped_size: info.mapped_size,
            options: MapOptions::from_bits_retain(info.options),
            inheritance: info.inheritance.into(),
            suspended: info.state & sys::IOMD_MAP_SUSPENDED != 0,
            expired: info.state & sys::IOMD_MAP_EXPIRED != 0,
            descriptor_suspended: info.state & sys::IOMD_MAP_DESCRIPTOR_SUSPENDED != 0,
            sealed: info.state & sys::IOMD_MAP_SEALED != 0,
            in_kernel: info.state & sys::IOMD_MAP_KERNEL != 0,
            unpinnable: info.state & sys::IOMD_MAP_UNPINNABLE != 0,
            ended: info.state & sys::IOMD_MAP_ENDED != 0,
            task: (info.task != 0).then_some(info.task),
            address: (info.address != 0).then_some(info.address),
            generation: info.generation,
            redirects: info.redirects,
            faults: info.faults,
            waiters: info.waiters,
            waits: info.waits,
            longest_wait: Duration::from_nanos(info.longest_wait_ns),
            page_offset: info.page_offset,
            wired: info.wired,
            part_of: (info.part_of != 0).then_some(info.part_of),
            sub_map: info.state & sys::IOMD_MAP_SUB_MAP != 0,
        })
    }

    /// Its id.
    ///
    /// # Errors
    ///
    /// As [`info`](Self::info).
    pub fn id(&self) -> Result<u64> {
        Ok(self.info()?.id)
    }

    /// Where it is in physical memory from the byte `offset` on, and how many bytes of it follow one
    /// another there (`getPhysicalSegment`). The memory is there for as long as its descriptor.
    ///
    /// # Errors
    ///
    /// `EPERM` without `CAP_SYS_ADMIN`; `ERANGE` if the offset is at the map's end or beyond; `ENODATA` if
    /// there is no memory yet; `ENODEV` if the map has ended; `EINTR` if killed.
    pub fn physical_segment(&self, offset: u64) -> Result<Segment> {
        let argument = sys::iomd_map_segment { offset, ..Argument::sized() };
        let segment = call(self, argument).asked(|| Request::Segment { offset })?;
        Ok(Segment { address: segment.address, length: segment.length })
    }

    /// Wires the pages that have a byte of a range, once more: they have memory from now on, which is
    /// not taken away, and the map is not redirected (`wireRange`). Length 0 is to the map's end. It
    /// lasts until [`unwire`](Self::unwire), or the end of the mapping.
    ///
    /// # Errors
    ///
    /// `EPERM` if another handle sealed the map; `ERANGE`, `EOVERFLOW` if the range reaches beyond the
    /// map; `ENODATA` if the memory was taken away; `ENODEV` if the map has ended; `ENOMEM`; `EBUSY` if a
    /// page is wired too often; `EINTR` if killed.
    pub fn wire(&self, offset: u64, length: u64) -> Result<()> {
        let direction = sys::IOMD_DIRECTION_IN | sys::IOMD_DIRECTION_OUT;
        self.wire_range(direction, offset, length).asked(|| Request::Wire { offset, length })
    }

    /// Undoes [`wire`](Self::wire) once, of all pages that have a byte of the range.
    ///
    /// # Errors
    ///
    /// `EINVAL` if a page is not wired; else those of [`wire`](Self::wire).
    pub fn unwire(&self, offset: u64, length: u64) -> Result<()> {
        self.wire_range(0, offset, length).asked(|| Request::Unwire { offset, length })
    }

    fn wire_range(
        &self,
        direction: u32,
        offset: u64,
        length: u64,
    ) -> std::result::Result<(), Errno> {
        let argument = sys::iomd_map_wire { offset, length, direction, ..Argument::sized() };
        call(self, argument).map(drop)
    }

    /// Another handle of the same map, with the same rights. It is an open file of its own, and so
    /// an owner of suspensions of its own.
    ///
    /// # Errors
    ///
    /// `EMFILE`.
    pub fn reopen(&self) -> Result<Self> {
        let reopened = call(self, sys::iomd_map_reopen::sized()).asked(|| Request::ReopenMap)?;
        // SAFETY: the call has succeeded.
        let fd = unsafe { received(reopened.fd) };
        Ok(Self { fd, shape: self.shape.clone() })
    }

    /// Maps all of it anywhere into the calling process, with the map's own rights
    /// (`createMappingInTask`, the second half).
    ///
    /// As the map's options say, it is between guards, which go with the [`Mapping`], and all of its
    /// pages are touched, unless any are suspended.
    ///
    /// # Errors
    ///
    /// `ENODEV` if the map has ended; `ENOMEM` if there is no room in the address space.
    pub fn mmap(&self) -> Result<Mapping> {
        let read_only = self.shape()?.options.contains(MapOptions::READ_ONLY);
        let options = MmapOptions { read_only, ..MmapOptions::default() };
        // SAFETY: it is not over others.
        unsafe { self.mmap_as(options, Place::Anywhere) }
    }

    /// Maps a part of it into the calling process, otherwise as [`mmap`](Self::mmap). What is mapped
    /// at the address already is never replaced.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the offset or address is misaligned, the range beyond the map, or an address is
    /// given for a map with guards; `EEXIST` if something is mapped at the address; `EACCES` for a
    /// writable mapping of a read-only map; `ENODEV` if the map has ended; `ENOMEM` if there is no room
    /// in the address space.
    pub fn mmap_with(&self, options: MmapOptions) -> Result<Mapping> {
        let place = options.address.map_or(Place::Anywhere, Place::At);
        // SAFETY: it is not over others.
        unsafe { self.mmap_as(options, place) }
    }

    /// As [`mmap_with`](Self::mmap_with), but in place of what is mapped at the address, if the map
    /// was made for that (`kIOMapOverwrite`).
    ///
    /// # Errors
    ///
    /// As [`mmap_with`](Self::mmap_with).
    ///
    /// # Safety
    ///
    /// Nothing that is mapped there is used any more.
    pub unsafe fn mmap_over(&self, options: MmapOptions) -> Result<Mapping> {
        let over = self.shape()?.options.contains(MapOptions::OVERWRITE);
        let place = if over { Place::Over } else { Place::At };
        // SAFETY: as required.
        unsafe { self.mmap_as(options, options.address.map_or(Place::Anywhere, place)) }
    }

    /// # Safety
    ///
    /// Of a mapping over others: nothing that is there is used any more.
    unsafe fn mmap_as(&self, options: MmapOptions, place: Place) -> Result<Mapping> {
        let MmapOptions { offset, length, address, read_only } = options;
        let shape = self.shape()?;
        // If it is suspended, to touch it would be to wait as long as that lasts.
        let prefault = shape.options.contains(MapOptions::PREFAULT) && !self.is_suspended()?;
        let placement = Placement {
            place,
            offset,
            length: match length {
                0 => shape.mapped_size.saturating_sub(offset) as usize,
                length => length,
            },
            read_only,
            prefault,
            guard: shape.options.guards().bytes(),
        };
        // SAFETY: as required.
        unsafe { Mapping::new(self, placement) }.asked(|| Request::Mmap { offset, length, address })
    }

    /// Whether accesses wait, to some of it at least.
    fn is_suspended(&self) -> Result<bool> {
        let info = self.info()?;
        Ok(info.suspended || info.descriptor_suspended)
    }

    /// Prepares to map it into another process, anywhere and all of it unless the builder is told
    /// otherwise (`createMappingInTask`, the second half).
    pub fn map_into<'a>(&'a self, task: &'a Task) -> MapIntoBuilder<'a> {
        MapIntoBuilder::new(self, task)
    }

    /// Prepares to switch the memory behind the map to `target`, from its start unless the builder
    /// is told otherwise (`IOMemoryMap::redirect`).
    pub fn redirect<'a>(&'a self, target: &'a Descriptor) -> RedirectBuilder<'a> {
        RedirectBuilder::new(self, target)
    }

    /// Makes every access wait until the map is redirected or resumed, even if the caller is gone by
    /// then (`IOMemoryMap::redirect` to `NULL`). When this returns, no access reaches the memory any
    /// more.
    ///
    /// # Errors
    ///
    /// `EPERM` if the map is not unique, or another handle sealed it; `EINTR` if killed.
    pub fn suspend(&self) -> Result<Redirected> {
        self.suspend_with().run()
    }

    /// Prepares to suspend the map: a part of it, until a deadline or for as long as the caller lives,
    /// if the builder is told so.
    pub fn suspend_with(&self) -> SuspendBuilder<'_, Self> {
        SuspendBuilder::new(self)
    }

    /// Ends a suspension, on the memory that the map had. A map that is not suspended stays as it
    /// is; that is no error.
    ///
    /// # Errors
    ///
    /// `EPERM` if the map is not unique, or another handle sealed it; `EINTR` if killed.
    pub fn resume(&self) -> Result<()> {
        self.resume_range(0, 0)
    }

    /// Ends the suspension of a part of the map: `offset` is a multiple of the page size, `length` is
    /// rounded up to whole pages, and 0 is to the map's end. Pages that are not suspended stay as they
    /// are.
    ///
    /// # Errors
    ///
    /// `EPERM` if the map is not unique; `EINVAL` if the offset is misaligned; `ERANGE`, `EOVERFLOW` if
    /// the range reaches beyond the map; `ENOMEM`; `EINTR` if killed.
    pub fn resume_range(&self, offset: u64, length: u64) -> Result<()> {
        let argument = sys::iomd_resume { offset, length, ..Argument::sized() };
        call(self, argument).map(drop).asked(|| Request::Resume)
    }

    /// Ends the mapping in every process: who touches it from then on gets `SIGBUS`. The ranges of
    /// addresses stay reserved until each process unmaps them. Once it has ended, this does nothing
    /// (`IOMemoryMap::unmap`).
    ///
    /// # Errors
    ///
    /// `EPERM` if another handle sealed it; `EINTR` if killed; `ENOTTY` if the file is not a map.
    pub fn unmap(&self) -> Result<()> {
        call(self, sys::iomd_unmap::sized()).map(drop).asked(|| Request::Unmap)
    }

    /// Lets only this handle redirect, suspend, resume and end the map from now on, for good: other
    /// handles are refused, and so are copies and suspensions of its descriptor. Who was given a map
    /// by a stranger makes a handle of his own with [`reopen`](Self::reopen), seals that, and can then
    /// rely on the memory being there.
    ///
    /// When this handle is closed, with all duplicates of its file descriptor, nobody controls the
    /// map any more.
    ///
    /// # Errors
    ///
    /// `EPERM` if another handle sealed it; `EBUSY` if it or its descriptor is suspended, or it has
    /// ended; `EINTR` if killed.
    pub fn seal(&self) -> Result<()> {
        call(self, sys::iomd_map_seal::sized()).map(drop).asked(|| Request::Seal)
    }

    /// The accesses that wait on the map and that nobody has been told of, in the order in which they
    /// came: a pager brings the memory in and resumes it. Waits until there is one; none are there when
    /// the map has ended.
    ///
    /// Each is told of once, to whoever asks first, whatever open file he asks through; when another
    /// handle suspends the map, all who wait then are told of anew. An access that a signal interrupted
    /// comes again.
    ///
    /// # Errors
    ///
    /// `EAGAIN` if there is none and the file is `O_NONBLOCK`; `EINTR`.
    pub fn waits(&self) -> Result<Vec<Wait>> {
        wait::read(self)
    }

    /// Waits until some access waits on the map that nobody has been told of, so that it can be served;
    /// without a timeout, for ever. Tells whether one does: not, if the time is up or the map has ended.
    ///
    /// # Errors
    ///
    /// Those of poll(2).
    pub fn wait_for_waiter(&self, timeout: Option<Duration>) -> Result<bool> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let mut files = [PollFd::new(self, PollFlags::IN)];
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            // A time too long for the kernel is as good as none.
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            match poll(&mut files, left.as_ref()) {
                Ok(_) => return Ok(files[0].revents().contains(PollFlags::IN)),
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno).asked(|| Request::Wait),
            }
        }
    }
}
