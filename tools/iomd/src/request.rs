// SPDX-License-Identifier: MIT OR Apache-2.0

//! What was asked of the kernel, and what its answers mean in words.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use rustix::io::Errno;

use crate::{Batch, Client, Direction, Inheritance, MapOptions, Operation, Purgeable};

/// What was asked of the kernel. Offsets and lengths are bytes; a length of 0 asks for all from the
/// offset on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are the arguments of the calls that the variants name")]
pub enum Request {
    /// [`Client::open_at`](crate::Client::open_at)
    OpenDevice { path: PathBuf },
    /// [`Client::features`](crate::Client::features)
    Features,
    /// [`Client::buffer`](crate::Client::buffer), [`Client::sparse_buffer`](crate::Client::sparse_buffer)
    /// and [`Client::buffer_with`](crate::Client::buffer_with)
    CreateBuffer { length: u64 },
    /// [`Client::multi`](crate::Client::multi)
    CreateMulti { parts: usize },
    /// [`Client::interleaved`](crate::Client::interleaved)
    CreateInterleaved { parts: usize, granularity: u64 },
    /// [`Client::guard`](crate::Client::guard)
    CreateGuard { length: u64 },
    /// [`Descriptor::sub`](crate::Descriptor::sub)
    CreateSub { offset: u64, length: u64 },
    /// [`Client::address_ranges`](crate::Client::address_ranges)
    CreateAddressRanges { ranges: usize, direction: Direction },
    /// [`Client::import_memfd`](crate::Client::import_memfd)
    ImportMemfd { offset: u64, length: u64, direction: Direction },
    /// [`Client::physical_range`](crate::Client::physical_range)
    CreatePhysical { address: u64, length: u64, direction: Direction },
    /// [`Descriptor::prepare`](crate::Descriptor::prepare)
    Prepare,
    /// [`Descriptor::complete`](crate::Descriptor::complete)
    Complete,
    /// [`Client::objects`](crate::Client::objects)
    NextObject,
    /// [`Client::open_object`](crate::Client::open_object)
    OpenObject { id: u64 },
    /// [`Client::map_fresh`](crate::Client::map_fresh)
    MapFresh { length: usize },
    /// [`Descriptor::info`](crate::Descriptor::info)
    DescriptorInfo,
    /// [`Descriptor::reopen`](crate::Descriptor::reopen)
    Reopen,
    /// [`Descriptor::set_purgeable`](crate::Descriptor::set_purgeable)
    SetPurgeable { state: Purgeable },
    /// [`Descriptor::read_bytes`](crate::Descriptor::read_bytes)
    ReadBytes { offset: u64, length: u64 },
    /// [`Descriptor::write_bytes`](crate::Descriptor::write_bytes)
    WriteBytes { offset: u64, length: u64 },
    /// [`Descriptor::set_length`](crate::Descriptor::set_length)
    SetLength { length: u64 },
    /// [`Descriptor::set_tag`](crate::Descriptor::set_tag)
    SetTag,
    /// [`Descriptor::page_counts`](crate::Descriptor::page_counts)
    PageCounts,
    /// [`Descriptor::perform_operation`](crate::Descriptor::perform_operation)
    PerformOperation { operation: Operation, offset: u64, length: u64 },
    /// [`Descriptor::map`](crate::Descriptor::map)
    CreateMap { offset: u64, length: u64, options: MapOptions, inheritance: Inheritance },
    /// [`Descriptor::map_in_task`](crate::Descriptor::map_in_task)
    FindMap { offset: u64, length: u64, options: MapOptions, address: Option<u64> },
    /// [`Descriptor::copy_to`](crate::Descriptor::copy_to)
    Copy { offset: u64, length: u64, target_offset: u64, resume_on_target: bool },
    /// [`Descriptor::suspend`](crate::Descriptor::suspend) and
    /// [`Descriptor::suspend_with`](crate::Descriptor::suspend_with)
    SuspendDescriptor,
    /// [`Descriptor::resume`](crate::Descriptor::resume)
    ResumeDescriptor,
    /// [`Map::info`](crate::Map::info)
    MapInfo,
    /// [`Map::physical_segment`](crate::Map::physical_segment)
    Segment { offset: u64 },
    /// [`Client::import_dma_buf`](crate::Client::import_dma_buf)
    ImportDmaBuf { offset: u64, length: u64 },
    /// [`Descriptor::export_dma_buf`](crate::Descriptor::export_dma_buf) and
    /// [`Map::export_dma_buf`](crate::Map::export_dma_buf)
    ExportDmaBuf,
    /// [`Map::mapped_read_u8`](crate::Map::mapped_read_u8) and others; the width is in bits
    MappedRead { offset: u64, width: u32 },
    /// [`Map::mapped_write_u8`](crate::Map::mapped_write_u8) and others
    MappedWrite { offset: u64, width: u32 },
    /// [`Map::wire`](crate::Map::wire)
    Wire { offset: u64, length: u64 },
    /// [`Map::unwire`](crate::Map::unwire)
    Unwire { offset: u64, length: u64 },
    /// [`Map::reopen`](crate::Map::reopen)
    ReopenMap,
    /// [`Map::mmap`](crate::Map::mmap) and [`Map::mmap_with`](crate::Map::mmap_with)
    Mmap { offset: u64, length: usize, address: Option<usize> },
    /// [`Map::map_into`](crate::Map::map_into)
    MapInto { offset: u64, length: u64, address: Option<u64> },
    /// [`Client::remap`](crate::Client::remap)
    Remap { address: u64, length: u64, copy: bool },
    /// [`Client::own_task`](crate::Client::own_task) and [`Client::task`](crate::Client::task)
    OpenTask { pid: i32 },
    /// [`Task::process`](crate::Task::process)
    TaskInfo,
    /// [`Task::flush_processor_cache`](crate::Task::flush_processor_cache)
    FlushProcessorCache { address: u64, length: u64 },
    /// [`Map::redirect`](crate::Map::redirect)
    Redirect { offset: u64 },
    /// [`Client::batch`](crate::Client::batch)
    RedirectBatch { maps: usize },
    /// [`Map::suspend`](crate::Map::suspend) and [`Map::suspend_with`](crate::Map::suspend_with)
    Suspend,
    /// [`Map::resume`](crate::Map::resume) and [`Map::resume_range`](crate::Map::resume_range)
    Resume,
    /// [`Map::waits`](crate::Map::waits)
    Waits,
    /// [`Map::unmap`](crate::Map::unmap)
    Unmap,
    /// [`Map::seal`](crate::Map::seal)
    Seal,
    /// [`Map::wait_for_waiter`](crate::Map::wait_for_waiter)
    Wait,
}

impl Request {
    /// Why the kernel refused this with `errno`.
    pub fn reason(&self, errno: Errno) -> Cow<'static, str> {
        match self.specific_reason(errno).or_else(|| general_reason(errno)) {
            Some(words) => format!("{words} ({errno})").into(),
            None => errno.to_string().into(),
        }
    }

    /// What `errno` means as an answer to this request.
    fn specific_reason(&self, errno: Errno) -> Option<&'static str> {
        Some(match (self, errno) {
            (Self::OpenDevice { .. }, Errno::NOENT | Errno::NXIO | Errno::NODEV) => {
                "the module iomd is not loaded"
            }
            (Self::OpenDevice { .. }, Errno::ACCESS) => {
                "the device is open to root and the group iomd only"
            }

            (Self::CreateBuffer { length: 0 } | Self::CreateGuard { length: 0 }, Errno::INVAL) => {
                "the length is 0"
            }
            (Self::CreateBuffer { .. } | Self::CreateGuard { .. }, Errno::OVERFLOW) => {
                "the length is beyond 2^63 - 1"
            }
            (Self::CreateBuffer { .. }, Errno::OPNOTSUPP) => {
                "there is never so much together in physical memory"
            }
            (Self::CreateBuffer { .. }, Errno::NOMEM) => {
                "that is more than the limit on locked memory (ulimit -l), the memory cgroup's \
                 limit, or what there is"
            }

            (
                Self::CreateMulti { parts: 0 } | Self::CreateInterleaved { parts: 0, .. },
                Errno::INVAL,
            ) => "there are no descriptors",
            (Self::CreateMulti { parts } | Self::CreateInterleaved { parts, .. }, Errno::INVAL)
                if *parts > Client::MOST_PARTS =>
            {
                "there are more descriptors than one consists of"
            }
            (Self::CreateMulti { .. }, Errno::INVAL) => {
                "a file is not a descriptor, or some are writable and some are not"
            }
            (Self::CreateInterleaved { .. }, Errno::INVAL) => {
                "a file is not a descriptor, some are writable and some are not, they are not equally \
                 long, or do not consist of whole pieces of so many bytes, which are whole pages"
            }
            (Self::CreateMulti { .. } | Self::CreateInterleaved { .. }, Errno::OVERFLOW) => {
                "together they are longer than 2^63 - 1 bytes"
            }
            (
                Self::CreateMulti { .. } | Self::CreateInterleaved { .. } | Self::CreateSub { .. },
                Errno::LOOP,
            ) => "it would be nested too deeply, or consist of too many descriptors",
            (Self::CreateSub { .. }, Errno::RANGE) => "the range reaches beyond the descriptor",
            (Self::CreateSub { .. }, Errno::ACCESS) => "the descriptor is read-only",
            (Self::CreateAddressRanges { .. }, Errno::INVAL) => {
                "the file is not a task, there is no range or there are too many, or one is empty"
            }
            (Self::CreateAddressRanges { .. }, Errno::SRCH) => {
                "its process has exited or called exec"
            }
            (Self::CreateAddressRanges { .. }, Errno::OVERFLOW) => "the ranges are too large",
            (Self::ImportMemfd { .. }, Errno::INVAL) => {
                "it is no memfd and no file of tmpfs or hugetlbfs, or offset or length are not \
                 multiples of the page size"
            }
            (Self::ImportMemfd { .. }, Errno::RANGE) => "the range reaches beyond the file",
            (Self::ImportMemfd { .. }, Errno::ACCESS) => "the file is not open for that direction",
            (Self::ImportMemfd { .. }, Errno::PERM) => "the file is sealed against writing",
            (Self::ImportMemfd { .. } | Self::Prepare, Errno::NOMEM) => {
                "that is more than the limit on locked memory (ulimit -l), the memory cgroup's \
                 limit, or what there is"
            }
            (Self::CreatePhysical { .. }, Errno::PERM) => {
                "that takes CAP_SYS_RAWIO, and a kernel that is not locked down"
            }
            (Self::CreatePhysical { .. }, Errno::BUSY) => {
                "some of it is used by the kernel, a driver or another descriptor"
            }
            (Self::CreatePhysical { length: 0, .. }, Errno::INVAL) => "the length is 0",
            (Self::Prepare, Errno::ACCESS) => {
                "the descriptor has not that direction, or is prepared for reading only"
            }
            (Self::Prepare, Errno::FAULT) => {
                "the task has no memory there with these rights, or such as cannot be pinned"
            }
            (Self::Prepare, Errno::OPNOTSUPP) => "memory of that file cannot be pinned",
            (Self::Prepare, Errno::SRCH) => "the task has exited or called exec",
            (Self::Complete, Errno::INVAL) => "it was not prepared through this file descriptor",

            (Self::NextObject | Self::OpenObject { .. }, Errno::PERM) => {
                "only a task with CAP_SYS_ADMIN reaches objects by id"
            }
            (Self::NextObject, Errno::NOENT) => "there are no more objects",
            (Self::OpenObject { .. }, Errno::NOENT) => "there is no such object",
            (Self::OpenObject { .. }, Errno::INVAL) => "a map cannot be opened read-only",

            (Self::SetPurgeable { .. }, Errno::INVAL) => "there is no such state",
            (Self::SetPurgeable { .. }, Errno::OPNOTSUPP) => {
                "the memory is not a buffer or a range of one, or the state has modifiers of XNU's, of which \
                 this kernel knows none"
            }
            (Self::SetPurgeable { .. }, Errno::ACCESS) => "the descriptor is read-only",
            (Self::SetPurgeable { .. }, Errno::PERM) => "a map of the memory is sealed",
            (Self::SetPurgeable { .. }, Errno::BUSY) => {
                "pages of the memory are wired or held for I/O, or it is being copied"
            }
            (Self::SetPurgeable { .. }, Errno::NOMEM) => {
                "that is more than the limit on locked memory (ulimit -l), the memory cgroup's \
                 limit, or what there is"
            }
            (Self::SetPurgeable { .. }, Errno::INTR) => {
                "killed while memory was given back, or another call changed the state"
            }

            (Self::ReadBytes { .. } | Self::WriteBytes { .. }, Errno::NODATA)
            | (Self::PerformOperation { .. }, Errno::NODATA) => "the memory was taken away",
            (Self::WriteBytes { .. } | Self::SetLength { .. } | Self::SetTag, Errno::ACCESS) => {
                "the descriptor is read-only"
            }
            (Self::WriteBytes { .. }, Errno::NOMEM) => "there is no memory for a page of it",
            (Self::SetLength { .. }, Errno::RANGE) => "that is more than its capacity",
            (Self::SetLength { .. }, Errno::OPNOTSUPP) => "the memory is not a buffer",
            (Self::PerformOperation { .. }, Errno::OPNOTSUPP) => {
                "this kernel does not know the operation"
            }
            (Self::PerformOperation { .. }, Errno::RANGE) => {
                "the range reaches beyond the descriptor"
            }

            (Self::CreateMap { .. }, Errno::INVAL) => {
                "the bytes lie in pages that do not follow one another, an option or the inheritance is \
                 unknown, or guards are asked for in two sizes or of what is not anywhere"
            }
            (Self::CreateMap { .. }, Errno::RANGE) => "the range reaches beyond the descriptor",
            (Self::CreateMap { .. }, Errno::OPNOTSUPP) => {
                "this kernel cannot honour one of the options, the cache mode or the inheritance"
            }
            (Self::CreateMap { .. }, Errno::ACCESS) => {
                "a read-only descriptor has read-only maps only"
            }
            (Self::CreateMap { .. }, Errno::BUSY) => {
                "the memory is being copied or suspended, or in use in another cache mode"
            }

            (Self::FindMap { .. }, Errno::NOENT) => "the task has no such mapping of the memory",
            (Self::FindMap { .. }, Errno::SRCH) => "its process has exited or called exec",
            (Self::FindMap { .. }, Errno::INVAL) => {
                "the file is not a task, the address is not a multiple of the page size, the bytes lie \
                 in pages that do not follow one another, or an option is unknown"
            }
            (Self::FindMap { .. }, Errno::RANGE) => "the range reaches beyond the descriptor",
            (Self::FindMap { .. }, Errno::OPNOTSUPP) => {
                "this kernel cannot honour one of the options or the cache mode"
            }
            (Self::FindMap { .. }, Errno::ACCESS) => {
                "the descriptor, or what is mapped there, is read-only and the map would not be, or the \
                 reverse"
            }

            (Self::Mmap { address: Some(_), .. }, Errno::EXIST) => {
                "something is mapped at that address"
            }
            (Self::Mmap { .. }, Errno::INVAL) => {
                "the offset or address is not a multiple of the page size, the range is empty or \
                 reaches beyond the map, or a map with guards is to be at an address"
            }
            (Self::Mmap { .. }, Errno::ACCESS) => "the map is read-only",
            (Self::Mmap { .. }, Errno::NODEV) => "the map has ended",
            (Self::MapFresh { length: 0 }, Errno::INVAL) => "the length is 0",

            (Self::ImportDmaBuf { .. }, Errno::INVAL) => "it is no dma-buf",
            (Self::ImportDmaBuf { .. }, Errno::RANGE) => "the range reaches beyond the dma-buf",
            (Self::ImportDmaBuf { .. }, Errno::OPNOTSUPP) => {
                "what it has is not ordinary memory that processors may map, or it is iomd's own"
            }
            (Self::ImportDmaBuf { .. }, Errno::INTR) => {
                "a signal came while devices were waited for"
            }

            (Self::ExportDmaBuf, Errno::BUSY) => "the memory is being copied or suspended",
            (Self::ExportDmaBuf, Errno::NODEV) => "the map has ended",

            (Self::Segment { .. }, Errno::PERM) => {
                "only a task with CAP_SYS_ADMIN learns where memory is"
            }
            (Self::Segment { .. }, Errno::RANGE) => "the offset is not in the map",
            (Self::Segment { .. }, Errno::NODATA) => "there is no memory yet",
            (Self::Segment { .. }, Errno::NODEV) => "the map has ended",

            (Self::MappedRead { .. } | Self::MappedWrite { .. }, errno) => match errno {
                Errno::PERM => "the map is not in the kernel",
                Errno::RANGE => "the value is not all inside the map",
                Errno::INVAL => "the value is not all in one page",
                Errno::ACCESS => "the map is read-only",
                Errno::FAULT => "it is suspended, and the kernel may not wait for it",
                Errno::NODEV => "the map has ended",
                Errno::NODATA => "the memory was taken away",
                Errno::NOMEM => "there is no memory for the page",
                _ => return None,
            },

            (Self::FlushProcessorCache { .. }, Errno::SRCH) => {
                "its process has exited or called exec"
            }
            (Self::FlushProcessorCache { .. }, Errno::FAULT) => "nothing is mapped there",

            (Self::Wire { .. } | Self::Unwire { .. }, Errno::PERM) => {
                "another handle sealed the map"
            }
            (Self::Wire { .. } | Self::Unwire { .. }, Errno::RANGE) => {
                "the range reaches beyond the map"
            }
            (Self::Wire { .. } | Self::Unwire { .. }, Errno::NODEV) => "the map has ended",
            (Self::Wire { .. }, Errno::NODATA) => "the memory was taken away",
            (Self::Wire { .. }, Errno::BUSY) => "a page is wired too often",
            (Self::Unwire { .. }, Errno::INVAL) => "a page is not wired",

            (Self::OpenTask { .. }, Errno::PERM) => {
                "only a task with CAP_SYS_PTRACE opens others by their numbers"
            }
            (Self::OpenTask { .. }, Errno::SRCH | Errno::INVAL) => "there is no such process",

            (Self::Remap { length: 0, .. }, Errno::INVAL) => "the length is 0",
            (Self::Remap { .. }, Errno::INVAL) => {
                "source address and length together are too large, protections or inheritance are \
                 none, or a file is not a task"
            }
            (Self::Remap { .. }, Errno::FAULT) => {
                "the source has nothing there, or the target has no such addresses"
            }
            (Self::Remap { .. }, Errno::NOSPC) => {
                "the place is occupied or has bits of the mask, or there is none"
            }
            (Self::Remap { .. }, Errno::ACCESS) => {
                "the source does not have these rights, or a new mapping of it cannot"
            }
            (Self::Remap { .. }, Errno::PERM) => "the target may not map there",
            (Self::Remap { .. }, Errno::OPNOTSUPP) => {
                "the source has memory there that only its driver maps, or secret memory, or huge \
                 pages of hugetlbfs; or shared memory was to be copied when the target forks"
            }
            (Self::Remap { .. }, Errno::IO) => "some of the source's memory cannot be had",
            (Self::Remap { .. }, Errno::SRCH) => "a task's process has exited or called exec",
            (Self::Remap { .. }, Errno::TIMEDOUT) => {
                "no thread of the target came by in time: they are stopped, or wait for what no \
                 signal ends"
            }
            (Self::Remap { .. }, Errno::NOMEM) => {
                "that is more than the caller's limit on locked memory (ulimit -l), the target's \
                 limits on its address space, or what there is"
            }

            (Self::MapInto { .. }, Errno::SRCH) => "its process has exited or called exec",
            (Self::MapInto { .. }, Errno::TIMEDOUT) => {
                "no thread of its process came by in time: they are stopped, or wait for what no \
                 signal ends"
            }
            (Self::MapInto { .. }, Errno::INTR) => "a signal came first",
            (Self::MapInto { .. }, Errno::EXIST) => "something is mapped at that address",
            (Self::MapInto { .. }, Errno::INVAL) => {
                "the file is not a task, the offset or address is not a multiple of the page size, or \
                 the map is one with guards, or one that overwrites, which is not to be at an address"
            }
            (Self::MapInto { .. }, Errno::RANGE | Errno::OVERFLOW) => {
                "the range reaches beyond the map"
            }
            (Self::MapInto { .. }, Errno::NODEV) => "the map has ended",
            (Self::MapInto { .. }, Errno::NOMEM) => "there is no room in its address space",
            (Self::MapInto { .. }, Errno::PERM) => "its process may map nothing there",

            (Self::Redirect { .. } | Self::Suspend | Self::Resume, Errno::PERM) => {
                "the map was not created unique, or another handle sealed it"
            }
            (Self::Redirect { .. } | Self::Suspend | Self::Resume, Errno::INTR) => {
                "killed while another call held the map"
            }
            (Self::Redirect { .. }, Errno::INVAL) => {
                "the target is not a descriptor, or its bytes from the offset on lie otherwise in their \
                 pages"
            }
            (Self::Redirect { .. }, Errno::RANGE) => {
                "from the offset on, the descriptor is shorter than the map"
            }
            (Self::Redirect { .. }, Errno::ACCESS) => {
                "the map is writable and the descriptor is read-only"
            }
            (Self::Redirect { .. }, Errno::BUSY) => {
                "pages of the old memory are wired, or held for I/O, or the new memory is being copied or \
                 suspended, or in use in another cache mode"
            }
            (Self::Suspend, Errno::INVAL) => {
                "the offset is not a multiple of the page size, or the deadline is beyond 2^63 - 1 ns"
            }
            (Self::Resume, Errno::INVAL) => "the offset is not a multiple of the page size",
            (Self::Suspend | Self::Resume, Errno::RANGE | Errno::OVERFLOW) => {
                "the range reaches beyond the map"
            }
            (Self::Waits, Errno::AGAIN) => "no access waits that was not told of",
            (Self::Waits, Errno::INVAL) => "the file is not a map",
            (Self::Suspend, Errno::BUSY) => "pages of the memory are held for I/O",
            (Self::Unmap | Self::Seal, Errno::PERM) => "another handle sealed the map",
            (Self::Unmap | Self::Seal, Errno::INTR) => "killed while another call held the map",
            (Self::Seal, Errno::BUSY) => {
                "the map or its descriptor is suspended, or the map has ended"
            }

            (Self::SuspendDescriptor, Errno::PERM) => "a map of it is sealed",
            (Self::SuspendDescriptor, Errno::INVAL) => "the deadline is beyond 2^63 - 1 ns",
            (Self::SuspendDescriptor, Errno::INTR) => {
                "killed while another call held the descriptor or a map of it"
            }
            (Self::SuspendDescriptor | Self::ResumeDescriptor, Errno::ACCESS) => {
                "the file descriptor is read-only"
            }

            (Self::RedirectBatch { maps: 0 }, Errno::INVAL) => "there are no maps",
            (Self::RedirectBatch { maps }, Errno::INVAL) if *maps > Batch::MOST => {
                "there are more maps than one call redirects"
            }
            (Self::RedirectBatch { .. }, Errno::INVAL) => {
                "a map is there twice, a file is not a map or a descriptor, or the bytes of a descriptor \
                 lie otherwise in their pages"
            }
            (Self::RedirectBatch { .. }, Errno::PERM) => {
                "one of the maps was not created unique, or another handle sealed it"
            }
            (Self::RedirectBatch { .. }, Errno::INTR) => {
                "killed while another call held one of the maps"
            }
            (Self::RedirectBatch { .. }, Errno::RANGE) => {
                "from its offset on, one of the descriptors is shorter than its map"
            }
            (Self::RedirectBatch { .. }, Errno::ACCESS) => {
                "one of the maps is writable and its descriptor is read-only"
            }
            (Self::RedirectBatch { .. }, Errno::BUSY) => {
                "pages of one of the maps are wired, or held for I/O, or the new memory of \
                 one is being copied or suspended, or in use in another cache mode"
            }

            (Self::Copy { .. }, Errno::INVAL) => {
                "the target is not a descriptor, the two ranges overlap, or maps are to resume where \
                 bytes lie otherwise in their pages"
            }
            (Self::Copy { .. }, Errno::RANGE) => {
                "the range reaches beyond the descriptor or the target, or a map that is to resume \
                 on the target reaches beyond the range"
            }
            (Self::Copy { .. }, Errno::ACCESS) => {
                "the target is read-only, or maps are to resume on the target and the source is \
                 read-only"
            }
            (Self::Copy { .. }, Errno::BUSY) => {
                "pages of the memory are held for I/O, or those of a map that is to resume on the target \
                 are wired, another copy of it is under way, or the target \
                 is in use in another cache mode"
            }
            (Self::Copy { .. }, Errno::PERM) => {
                "a writable map is sealed, or a map that is to resume on the target is sealed or was \
                 not created unique"
            }
            (Self::Copy { .. }, Errno::NODATA) => {
                "the memory of the descriptor or of the target was taken away"
            }
            (Self::Copy { .. }, Errno::NOMEM) => "there is no memory for the target's pages",
            _ => return None,
        })
    }
}

/// What `errno` means as an answer to any request.
fn general_reason(errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::NOTTY => {
            "the file is not an object of that kind, or the kernel's iomd lacks the call"
        }
        Errno::TOOBIG => "the kernel's iomd is older than this library and cannot do it",
        Errno::OVERFLOW => "offset and length together are too large",
        Errno::INTR => "interrupted by a signal",
        _ => return None,
    })
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenDevice { path } => write!(f, "open {}", path.display()),
            Self::Features => write!(f, "ask for the features"),
            Self::CreateBuffer { length } => write!(f, "create a buffer of {length} bytes"),
            Self::CreateMulti { parts } => write!(f, "join {parts} descriptors"),
            Self::CreateInterleaved { parts, granularity } => {
                write!(f, "interleave {parts} descriptors by {granularity} bytes")
            }
            Self::CreateGuard { length } => write!(f, "create a guard of {length} bytes"),
            Self::CreateSub { offset, length } => {
                write!(f, "create a descriptor of {}", Range(*offset, *length))
            }
            Self::CreateAddressRanges { ranges, direction } => {
                write!(f, "make a descriptor of {ranges} address ranges ({direction})")
            }
            Self::ImportMemfd { offset, length, direction } => {
                write!(f, "import {} of the file ({direction})", Range(*offset, *length))
            }
            Self::CreatePhysical { address, length, direction } => {
                write!(
                    f,
                    "make a descriptor of {length} bytes at physical {address:#x} ({direction})"
                )
            }
            Self::Prepare => write!(f, "prepare the descriptor"),
            Self::Complete => write!(f, "complete the descriptor"),
            Self::NextObject => write!(f, "list objects"),
            Self::OpenObject { id } => write!(f, "open object {id}"),
            Self::MapFresh { length } => write!(f, "map {length} bytes of fresh memory"),
            Self::DescriptorInfo => write!(f, "query the descriptor"),
            Self::Reopen => write!(f, "reopen the descriptor"),
            Self::SetPurgeable { state } => write!(f, "make the memory {state}"),
            Self::ReadBytes { offset, length } => {
                write!(f, "read {length} bytes from byte {offset} on")
            }
            Self::WriteBytes { offset, length } => {
                write!(f, "write {length} bytes from byte {offset} on")
            }
            Self::SetLength { length } => write!(f, "make the descriptor {length} bytes long"),
            Self::SetTag => write!(f, "tag the descriptor"),
            Self::PageCounts => write!(f, "count the descriptor's pages"),
            Self::PerformOperation { operation, offset, length } => {
                write!(f, "{operation} the processors' caches of {}", Range(*offset, *length))
            }
            Self::CreateMap { offset, length, options, inheritance } => {
                write!(f, "create a map of {}", Range(*offset, *length))?;
                write!(f, " ({options}, inheritance {inheritance})")
            }
            Self::FindMap { offset, length, options, address } => {
                write!(f, "find a mapping of {} in the task", Range(*offset, *length))?;
                address.map_or(Ok(()), |address| write!(f, " at {address:#x}"))?;
                write!(f, " ({options})")
            }
            Self::Copy { offset, length, target_offset, resume_on_target } => {
                write!(f, "copy {} to byte {target_offset}", Range(*offset, *length))?;
                write!(f, "{}", if *resume_on_target { " and resume there" } else { "" })
            }
            Self::SuspendDescriptor => write!(f, "suspend the descriptor"),
            Self::ResumeDescriptor => write!(f, "resume the descriptor"),
            Self::MapInfo => write!(f, "query the map"),
            Self::ImportDmaBuf { offset, length } => {
                write!(f, "import {} of the dma-buf", Range(*offset, *length))
            }
            Self::ExportDmaBuf => write!(f, "make a dma-buf"),
            Self::Segment { offset } => write!(f, "locate byte {offset} of the map"),
            Self::MappedRead { offset, width } => {
                write!(f, "read {width} bits at byte {offset} of the map")
            }
            Self::MappedWrite { offset, width } => {
                write!(f, "write {width} bits at byte {offset} of the map")
            }
            Self::Wire { offset, length } => write!(f, "wire {}", Range(*offset, *length)),
            Self::Unwire { offset, length } => write!(f, "unwire {}", Range(*offset, *length)),
            Self::ReopenMap => write!(f, "reopen the map"),
            Self::Mmap { offset, length, address } => {
                write!(f, "map {}", Range(*offset, *length as u64))?;
                address.map_or(Ok(()), |address| write!(f, " at {address:#x}"))
            }
            Self::MapInto { offset, length, address } => {
                write!(f, "map {} into the task", Range(*offset, *length))?;
                address.map_or(Ok(()), |address| write!(f, " at {address:#x}"))
            }
            Self::Remap { address, length, copy } => {
                let how = if *copy { "remap a copy of" } else { "remap" };
                write!(f, "{how} {length} bytes at {address:#x}")
            }
            Self::OpenTask { pid: 0 } => write!(f, "open the calling process as a task"),
            Self::OpenTask { pid } => write!(f, "open process {pid} as a task"),
            Self::TaskInfo => write!(f, "query the task"),
            Self::FlushProcessorCache { address, length } => {
                write!(f, "flush the processors' caches of {length} bytes at {address:#x}")
            }
            Self::Redirect { offset } => {
                write!(f, "redirect the map to byte {offset} of the target")
            }
            Self::RedirectBatch { maps } => write!(f, "redirect {maps} maps at once"),
            Self::Suspend => write!(f, "suspend the map"),
            Self::Resume => write!(f, "resume the map"),
            Self::Waits => write!(f, "ask who waits on the map"),
            Self::Unmap => write!(f, "unmap the map"),
            Self::Seal => write!(f, "seal the map"),
            Self::Wait => write!(f, "wait for an access to the map"),
        }
    }
}

/// An offset and a length, in words.
struct Range(u64, u64);

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0, self.1) {
            (0, 0) => write!(f, "everything"),
            (offset, 0) => write!(f, "everything from byte {offset} on"),
            (offset, length) => write!(f, "{length} bytes from byte {offset} on"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn errors_name_what_was_wrong() {
        let refused = |request, errno| Error::Refused { request, errno }.to_string();
        assert_eq!(
            refused(Request::CreateBuffer { length: 0 }, Errno::INVAL),
            "cannot create a buffer of 0 bytes: the length is 0 (Invalid argument (os error 22))"
        );
        assert_eq!(
            refused(
                Request::CreateMap {
                    offset: 4096,
                    length: 0,
                    options: MapOptions::ANYWHERE | MapOptions::UNIQUE,
                    inheritance: Inheritance::None,
                },
                Errno::RANGE
            ),
            "cannot create a map of everything from byte 4096 on (anywhere, unique, inheritance \
             none): the range reaches beyond the descriptor (Numerical result out of range (os \
             error 34))"
        );
        let purge = |errno| refused(Request::SetPurgeable { state: Purgeable::Empty }, errno);
        assert!(purge(Errno::BUSY).starts_with("cannot make the memory empty: pages of"));
        assert!(purge(Errno::PERM).contains("sealed"));
        let batch = |maps, errno| refused(Request::RedirectBatch { maps }, errno);
        assert_eq!(
            batch(0, Errno::INVAL),
            "cannot redirect 0 maps at once: there are no maps (Invalid argument (os error 22))"
        );
        assert!(batch(65, Errno::INVAL).contains("more maps than one call"));
        assert!(batch(64, Errno::INVAL).contains("a map is there twice"));
        assert!(refused(Request::Suspend, Errno::INVAL).contains("the deadline is beyond"));
        assert_eq!(
            refused(Request::Unmap, Errno::NOTTY),
            "cannot unmap the map: the file is not an object of that kind, or the kernel's iomd \
             lacks the call (Inappropriate ioctl for device (os error 25))"
        );
        assert_eq!(
            refused(Request::SuspendDescriptor, Errno::PERM),
            "cannot suspend the descriptor: a map of it is sealed (Operation not permitted (os \
             error 1))"
        );
        assert_eq!(
            refused(Request::Unwire { offset: 4096, length: 0 }, Errno::INVAL),
            "cannot unwire everything from byte 4096 on: a page is not wired (Invalid argument (os \
             error 22))"
        );
        assert!(refused(Request::Unmap, Errno::PERM).contains("another handle sealed the map"));
        assert_eq!(
            refused(Request::Wait, Errno::IO),
            "cannot wait for an access to the map: \
             Input/output error (os error 5)"
        );
    }
}
