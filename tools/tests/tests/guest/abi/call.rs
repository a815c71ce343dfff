// SPDX-License-Identifier: MIT OR Apache-2.0

//! Every call, with an argument that it takes.

use std::mem::offset_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::OnceLock;

use iomd::Errno;
use iomd_sys::{
    IOMD_ADDRESS_RANGES_CREATE, IOMD_BUFFER_CONTIGUOUS, IOMD_BUFFER_CREATE, IOMD_BUFFER_GUARDED,
    IOMD_BUFFER_LARGE, IOMD_BUFFER_LAZY_COPY, IOMD_BUFFER_SPARSE, IOMD_COMPLETE, IOMD_COPY,
    IOMD_COPY_REFUSE_PINNED, IOMD_COPY_RESUME_ON_TARGET, IOMD_DESCRIPTOR_INFO,
    IOMD_DESCRIPTOR_REOPEN, IOMD_DESCRIPTOR_RESUME, IOMD_DESCRIPTOR_SUSPEND, IOMD_DIRECTION_IN,
    IOMD_DMA_BUF_EXPORT, IOMD_DMA_BUF_IMPORT, IOMD_FEATURES, IOMD_FLUSH_PROCESSOR_CACHE,
    IOMD_GUARD_CREATE, IOMD_INHERIT_NONE, IOMD_INTERLEAVED_CREATE, IOMD_INTO_TASK_FIXED,
    IOMD_INTO_TASK_READ_ONLY, IOMD_MAP_ANYWHERE, IOMD_MAP_CREATE, IOMD_MAP_CREATE_KEEP,
    IOMD_MAP_CREATE_KERNEL, IOMD_MAP_CREATE_UNPINNABLE, IOMD_MAP_DMA_BUF_EXPORT, IOMD_MAP_EXISTING,
    IOMD_MAP_INFO, IOMD_MAP_INTO_TASK, IOMD_MAP_REOPEN, IOMD_MAP_SEAL, IOMD_MAP_SEGMENT,
    IOMD_MAP_WIRE, IOMD_MAPPED_READ, IOMD_MAPPED_WRITE, IOMD_MEMFD_IMPORT, IOMD_MULTI_CREATE,
    IOMD_OBJECT_NEXT, IOMD_OBJECT_OPEN, IOMD_OPEN_READ_ONLY, IOMD_OPERATION_FLUSH,
    IOMD_PAGE_COUNTS, IOMD_PERFORM_OPERATION, IOMD_PHYSICAL_CREATE, IOMD_PREPARE,
    IOMD_PURGEABLE_VOLATILE, IOMD_READ_BYTES, IOMD_REDIRECT, IOMD_REDIRECT_ABANDONED_RESUME,
    IOMD_REDIRECT_ABANDONED_SIGBUS, IOMD_REDIRECT_BATCH, IOMD_REDIRECT_REFUSE_PINNED, IOMD_REMAP,
    IOMD_REMAP_COPY, IOMD_REMAP_PROTECTIONS, IOMD_REOPEN_PERSISTENT, IOMD_RESUME, IOMD_SET_LENGTH,
    IOMD_SET_PURGEABLE, IOMD_SET_TAG, IOMD_SUB_CREATE, IOMD_SUB_READ_ONLY, IOMD_SUSPEND,
    IOMD_SUSPEND_ABANDONED_RESUME, IOMD_SUSPEND_ABANDONED_SIGBUS, IOMD_SUSPEND_SPARE_CALLER,
    IOMD_TASK_INFO, IOMD_TASK_OPEN, IOMD_UNMAP, IOMD_VM_FLAGS_ANYWHERE, IOMD_VM_PROT_READ,
    IOMD_WRITE_BYTES, iomd_address_range, iomd_address_ranges_create, iomd_batch_entry,
    iomd_buffer_create, iomd_complete, iomd_copy, iomd_descriptor_info, iomd_descriptor_reopen,
    iomd_descriptor_resume, iomd_descriptor_suspend, iomd_dma_buf_export, iomd_dma_buf_import,
    iomd_features, iomd_flush_processor_cache, iomd_guard_create, iomd_interleaved_create,
    iomd_map_create, iomd_map_dma_buf_export, iomd_map_existing, iomd_map_info, iomd_map_into_task,
    iomd_map_reopen, iomd_map_seal, iomd_map_segment, iomd_map_wire, iomd_mapped_read,
    iomd_mapped_write, iomd_memfd_import, iomd_multi_create, iomd_object_next, iomd_object_open,
    iomd_page_counts, iomd_perform_operation, iomd_physical_create, iomd_prepare, iomd_read_bytes,
    iomd_redirect, iomd_redirect_batch, iomd_remap, iomd_resume, iomd_set_length,
    iomd_set_purgeable, iomd_set_tag, iomd_sub_create, iomd_suspend, iomd_task_info,
    iomd_task_open, iomd_unmap, iomd_write_bytes,
};
use rustix::mm::MprotectFlags;

use super::argument::Memory;
use super::world::PAGES;
use super::{Argument, World};
use crate::foreign::physical::Device;
use crate::support::raw::call_at;
use crate::support::{PAGE, Region};

/// A call.
pub struct Call {
    pub name: &'static str,
    pub number: u32,
    /// The object of the world that it is made on.
    pub object: fn(&World) -> BorrowedFd<'_>,
    /// An argument with which it does its work.
    pub argument: fn(&World) -> Argument,
    /// The flags that it knows.
    pub flags: u32,
    /// Where its padding is, which must be zero.
    pub padding: &'static [usize],
    /// Where it answers: what is there before is nothing to it.
    pub outs: &'static [usize],
    /// Where it puts a new file descriptor.
    pub file: Option<usize>,
}

impl Call {
    /// Whether it writes its structure.
    pub fn answers(&self) -> bool {
        !self.outs.is_empty()
    }

    /// Makes the call with what is at an address.
    pub fn at(&self, world: &World, address: usize) -> Result<(), Errno> {
        call_at((self.object)(world), self.number, address)
    }

    /// Asserts that the call is done with this argument; the argument then.
    #[track_caller]
    pub fn accepted(&self, world: &World, argument: &Argument, what: &str) -> Argument {
        let memory = Memory::new();
        let address = memory.put(argument);
        let outcome = self.at(world, address);
        assert_eq!(outcome, Ok(()), "{}, {what}", self.name);
        memory.take(address, argument.len())
    }

    /// The file descriptor in what the call answered.
    pub fn file_in(&self, answer: &Argument) -> Option<OwnedFd> {
        let number = answer.get(self.file?) as i32;
        // SAFETY: the call has made it for us, and each answer is taken once.
        Some(unsafe { OwnedFd::from_raw_fd(number) })
    }

    /// Asserts that the call is refused with what is at an address, and that nothing comes of it.
    #[track_caller]
    pub fn refused_at(&self, world: &World, address: usize, errno: Errno, what: &str) {
        let what = format!("{}, {what}", self.name);
        world.assert_unchanged(&what, || assert_eq!(self.at(world, address), Err(errno), "{what}"));
    }

    /// Asserts that the call is refused with this argument, and that nothing comes of it.
    #[track_caller]
    pub fn refused(&self, world: &World, argument: &Argument, errno: Errno, what: &str) {
        let address = world.memory.put(argument);
        self.refused_at(world, address, errno, what);
        let after = world.memory.take(address, argument.len());
        assert_eq!(&after, argument, "{}, {what}: refused, but it writes back", self.name);
    }
}

/// The address of two descriptors' numbers.
fn parts(world: &World) -> u64 {
    let parts = [&world.source, &world.target].map(|part| part.as_fd().as_raw_fd());
    // As long as any call may read it.
    let parts: &'static [i32; 2] = Box::leak(Box::new(parts));
    std::ptr::from_ref(parts) as u64
}

macro_rules! outs {
    ($structure:ident: $($member:ident),*) => { &[$(offset_of!($structure, $member)),*] };
}

pub const CALLS: [Call; 47] = [
    Call {
        name: "FEATURES",
        number: IOMD_FEATURES,
        object: |world| world.client.as_fd(),
        argument: |_| Argument::of(iomd_features::default()),
        flags: 0,
        padding: &[],
        outs: outs!(
            iomd_features: page_size, reserved, client_calls, descriptor_calls, map_calls,
            buffer_flags, map_flags, map_options, cache_modes, redirect_flags, copy_flags,
            task_calls, into_task_flags, sub_flags, remap_flags, vm_flags
        ),
        file: None,
    },
    Call {
        name: "BUFFER_CREATE",
        number: IOMD_BUFFER_CREATE,
        object: |world| world.client.as_fd(),
        argument: |_| {
            Argument::of(iomd_buffer_create { length: 3 * PAGE as u64, ..Default::default() })
        },
        flags: IOMD_BUFFER_SPARSE
            | IOMD_BUFFER_LARGE
            | IOMD_BUFFER_CONTIGUOUS
            | IOMD_BUFFER_GUARDED
            | IOMD_BUFFER_LAZY_COPY,
        padding: &[offset_of!(iomd_buffer_create, padding)],
        outs: outs!(iomd_buffer_create: id, fd),
        file: Some(offset_of!(iomd_buffer_create, fd)),
    },
    Call {
        name: "OBJECT_NEXT",
        number: IOMD_OBJECT_NEXT,
        object: |world| world.client.as_fd(),
        argument: |_| Argument::of(iomd_object_next::default()),
        flags: 0,
        padding: &[offset_of!(iomd_object_next, padding)],
        outs: outs!(iomd_object_next: kind),
        file: None,
    },
    Call {
        name: "OBJECT_OPEN",
        number: IOMD_OBJECT_OPEN,
        object: |world| world.client.as_fd(),
        argument: |world| {
            let id = world.source.id().unwrap();
            Argument::of(iomd_object_open { id, ..Default::default() })
        },
        flags: IOMD_OPEN_READ_ONLY,
        padding: &[],
        outs: outs!(iomd_object_open: kind, fd),
        file: Some(offset_of!(iomd_object_open, fd)),
    },
    Call {
        name: "REDIRECT_BATCH",
        number: IOMD_REDIRECT_BATCH,
        object: |world| world.client.as_fd(),
        argument: |world| {
            let entry = iomd_batch_entry {
                map: world.map.as_fd().as_raw_fd(),
                descriptor: world.target.as_fd().as_raw_fd(),
                offset: 0,
            };
            // As long as any call may read it.
            let entries: &'static iomd_batch_entry = Box::leak(Box::new(entry));
            Argument::of(iomd_redirect_batch {
                entries: std::ptr::from_ref(entries) as u64,
                count: 1,
                ..Default::default()
            })
        },
        flags: IOMD_REDIRECT_REFUSE_PINNED,
        padding: &[offset_of!(iomd_redirect_batch, padding)],
        outs: outs!(iomd_redirect_batch: pinned),
        file: None,
    },
    Call {
        name: "TASK_OPEN",
        number: IOMD_TASK_OPEN,
        object: |world| world.client.as_fd(),
        argument: |_| Argument::of(iomd_task_open::default()),
        flags: 0,
        padding: &[],
        outs: outs!(iomd_task_open: fd),
        file: Some(offset_of!(iomd_task_open, fd)),
    },
    Call {
        name: "MULTI_CREATE",
        number: IOMD_MULTI_CREATE,
        object: |world| world.client.as_fd(),
        argument: |world| {
            Argument::of(iomd_multi_create {
                descriptors: parts(world),
                count: 2,
                ..Default::default()
            })
        },
        flags: 0,
        padding: &[],
        outs: outs!(iomd_multi_create: id, fd),
        file: Some(offset_of!(iomd_multi_create, fd)),
    },
    Call {
        name: "INTERLEAVED_CREATE",
        number: IOMD_INTERLEAVED_CREATE,
        object: |world| world.client.as_fd(),
        argument: |world| {
            Argument::of(iomd_interleaved_create {
                descriptors: parts(world),
                granularity: PAGE as u64,
                count: 2,
                ..Default::default()
            })
        },
        flags: 0,
        padding: &[],
        outs: outs!(iomd_interleaved_create: id, fd),
        file: Some(offset_of!(iomd_interleaved_create, fd)),
    },
    Call {
        name: "GUARD_CREATE",
        number: IOMD_GUARD_CREATE,
        object: |world| world.client.as_fd(),
        argument: |_| Argument::of(iomd_guard_create { length: PAGE as u64, ..Default::default() }),
        flags: 0,
        padding: &[offset_of!(iomd_guard_create, padding)],
        outs: outs!(iomd_guard_create: id, fd),
        file: Some(offset_of!(iomd_guard_create, fd)),
    },
    Call {
        name: "SUB_CREATE",
        number: IOMD_SUB_CREATE,
        object: |world| world.source.as_fd(),
        argument: |_| Argument::of(iomd_sub_create { length: 1, ..Default::default() }),
        flags: IOMD_SUB_READ_ONLY,
        padding: &[offset_of!(iomd_sub_create, padding)],
        outs: outs!(iomd_sub_create: id, fd),
        file: Some(offset_of!(iomd_sub_create, fd)),
    },
    Call {
        name: "ADDRESS_RANGES_CREATE",
        number: IOMD_ADDRESS_RANGES_CREATE,
        object: |world| world.client.as_fd(),
        argument: |world| {
            // As long as any call may read it. What is at the address nobody looks at.
            static RANGE: iomd_address_range = iomd_address_range { address: 1, length: 1 };
            Argument::of(iomd_address_ranges_create {
                ranges: (&raw const RANGE).expose_provenance() as u64,
                count: 1,
                direction: IOMD_DIRECTION_IN,
                task: world.task.as_fd().as_raw_fd(),
                ..Default::default()
            })
        },
        flags: 0,
        padding: &[],
        outs: outs!(iomd_address_ranges_create: id, fd),
        file: Some(offset_of!(iomd_address_ranges_create, fd)),
    },
    Call {
        name: "MEMFD_IMPORT",
        number: IOMD_MEMFD_IMPORT,
        object: |world| world.client.as_fd(),
        argument: |world| {
            Argument::of(iomd_memfd_import {
                direction: IOMD_DIRECTION_IN,
                memfd: world.memfd().as_raw_fd(),
                ..Default::default()
            })
        },
        flags: 0,
        padding: &[offset_of!(iomd_memfd_import, padding)],
        outs: outs!(iomd_memfd_import: id, fd),
        file: Some(offset_of!(iomd_memfd_import, fd)),
    },
    Call {
        name: "PHYSICAL_CREATE",
        number: IOMD_PHYSICAL_CREATE,
        object: |world| world.client.as_fd(),
        argument: |_| {
            let address = Device::address();
            let direction = IOMD_DIRECTION_IN;
            Argument::of(iomd_physical_create {
                address,
                length: 1,
                direction,
                ..Default::default()
            })
        },
        flags: 0,
        padding: &[],
        outs: outs!(iomd_physical_create: fd, id),
        file: Some(offset_of!(iomd_physical_create, fd)),
    },
    Call {
        name: "REMAP",
        number: IOMD_REMAP,
        object: |world| world.client.as_fd(),
        // A window of this process is there twice then.
        argument: |world| {
            let task = world.task.as_fd().as_raw_fd();
            Argument::of(iomd_remap {
                vm_flags: IOMD_VM_FLAGS_ANYWHERE,
                inheritance: IOMD_INHERIT_NONE,
                target_task: task,
                source_task: task,
                source_address: world.window() as u64,
                length: PAGE as u64,
                cur_protection: IOMD_VM_PROT_READ,
                max_protection: IOMD_VM_PROT_READ,
                ..Default::default()
            })
        },
        flags: IOMD_REMAP_COPY | IOMD_REMAP_PROTECTIONS,
        padding: &[],
        // Without a flag that says so, the protections are not asked for.
        outs: outs!(iomd_remap: cur_protection, max_protection),
        file: None,
    },
    Call {
        name: "TASK_INFO",
        number: IOMD_TASK_INFO,
        object: |world| world.task.as_fd(),
        argument: |_| Argument::of(iomd_task_info::default()),
        flags: 0,
        padding: &[offset_of!(iomd_task_info, padding)],
        outs: outs!(iomd_task_info: pid),
        file: None,
    },
    Call {
        name: "MAP_INTO_TASK",
        number: IOMD_MAP_INTO_TASK,
        object: |world| world.map.as_fd(),
        argument: |world| {
            let task = world.task.as_fd().as_raw_fd();
            Argument::of(iomd_map_into_task { task, ..Default::default() })
        },
        flags: IOMD_INTO_TASK_FIXED | IOMD_INTO_TASK_READ_ONLY,
        padding: &[offset_of!(iomd_map_into_task, padding)],
        // Unless an address is asked for, what is there is no more than a hint.
        outs: outs!(iomd_map_into_task: address),
        file: None,
    },
    Call {
        name: "DESCRIPTOR_INFO",
        number: IOMD_DESCRIPTOR_INFO,
        object: |world| world.source.as_fd(),
        argument: |_| Argument::of(iomd_descriptor_info::default()),
        flags: 0,
        padding: &[offset_of!(iomd_descriptor_info, purgeable)],
        outs: outs!(
            iomd_descriptor_info: id, length, resident, maps, kind, parts, direction, tag, capacity,
            preparation_id
        ),
        file: None,
    },
    Call {
        name: "DESCRIPTOR_REOPEN",
        number: IOMD_DESCRIPTOR_REOPEN,
        object: |world| world.source.as_fd(),
        argument: |_| Argument::of(iomd_descriptor_reopen::default()),
        flags: IOMD_OPEN_READ_ONLY | IOMD_REOPEN_PERSISTENT,
        padding: &[offset_of!(iomd_descriptor_reopen, padding)],
        outs: outs!(iomd_descriptor_reopen: fd),
        file: Some(offset_of!(iomd_descriptor_reopen, fd)),
    },
    Call {
        name: "MAP_CREATE",
        number: IOMD_MAP_CREATE,
        object: |world| world.source.as_fd(),
        argument: |_| Argument::of(iomd_map_create { length: PAGE as u64, ..Default::default() }),
        flags: IOMD_MAP_CREATE_KEEP | IOMD_MAP_CREATE_KERNEL | IOMD_MAP_CREATE_UNPINNABLE,
        padding: &[],
        outs: outs!(iomd_map_create: id, fd, page_offset),
        file: Some(offset_of!(iomd_map_create, fd)),
    },
    Call {
        name: "MAP_EXISTING",
        number: IOMD_MAP_EXISTING,
        object: |world| world.source.as_fd(),
        // This process has a window.
        argument: |world| {
            Argument::of(iomd_map_existing {
                options: IOMD_MAP_ANYWHERE,
                task: world.task.as_fd().as_raw_fd(),
                length: PAGE as u64,
                ..Default::default()
            })
        },
        flags: 0,
        padding: &[offset_of!(iomd_map_existing, padding)],
        // What may be anywhere is not asked for at an address.
        outs: outs!(iomd_map_existing: address, id, fd),
        file: Some(offset_of!(iomd_map_existing, fd)),
    },
    Call {
        name: "COPY",
        number: IOMD_COPY,
        object: |world| world.source.as_fd(),
        argument: |world| {
            Argument::of(iomd_copy {
                length: (PAGES * PAGE) as u64,
                target: world.target.as_fd().as_raw_fd(),
                ..Default::default()
            })
        },
        flags: IOMD_COPY_REFUSE_PINNED | IOMD_COPY_RESUME_ON_TARGET,
        padding: &[offset_of!(iomd_copy, padding)],
        outs: outs!(iomd_copy: pinned, maps, pause_ns),
        file: None,
    },
    Call {
        name: "DESCRIPTOR_SUSPEND",
        number: IOMD_DESCRIPTOR_SUSPEND,
        object: |world| world.source.as_fd(),
        // The tests look at the memory meanwhile.
        argument: |_| {
            let flags = IOMD_SUSPEND_SPARE_CALLER;
            Argument::of(iomd_descriptor_suspend { flags, ..Default::default() })
        },
        flags: IOMD_SUSPEND_SPARE_CALLER
            | IOMD_SUSPEND_ABANDONED_SIGBUS
            | IOMD_SUSPEND_ABANDONED_RESUME,
        padding: &[],
        outs: &[],
        file: None,
    },
    Call {
        name: "DESCRIPTOR_RESUME",
        number: IOMD_DESCRIPTOR_RESUME,
        object: |world| world.source.as_fd(),
        argument: |_| Argument::of(iomd_descriptor_resume::default()),
        flags: 0,
        padding: &[],
        outs: &[],
        file: None,
    },
    Call {
        name: "SET_PURGEABLE",
        number: IOMD_SET_PURGEABLE,
        object: |world| world.source.as_fd(),
        argument: |_| {
            let state = IOMD_PURGEABLE_VOLATILE;
            Argument::of(iomd_set_purgeable { state, ..Default::default() })
        },
        flags: 0,
        padding: &[],
        outs: outs!(iomd_set_purgeable: old_state),
        file: None,
    },
    Call {
        name: "PREPARE",
        number: IOMD_PREPARE,
        object: |world| world.source.as_fd(),
        argument: |_| Argument::of(iomd_prepare::default()),
        flags: 0,
        padding: &[offset_of!(iomd_prepare, padding)],
        outs: &[],
        file: None,
    },
    Call {
        name: "COMPLETE",
        number: IOMD_COMPLETE,
        object: |world| world.source.as_fd(),
        argument: |world| {
            world.source.prepare(None).expect("a buffer can be prepared");
            Argument::of(iomd_complete::default())
        },
        flags: 0,
        padding: &[],
        outs: &[],
        file: None,
    },
    Call {
        name: "MAP_INFO",
        number: IOMD_MAP_INFO,
        object: |world| world.map.as_fd(),
        argument: |_| Argument::of(iomd_map_info::default()),
        flags: 0,
        padding: &[],
        outs: outs!(
            iomd_map_info: state, options, inheritance, task, id, descriptor_id, offset, length,
            mapped_size, address, generation, redirects, faults, waiters, waits, longest_wait_ns,
            page_offset
        ),
        file: None,
    },
    Call {
        name: "REDIRECT",
        number: IOMD_REDIRECT,
        object: |world| world.map.as_fd(),
        argument: |world| {
            let descriptor = world.target.as_fd().as_raw_fd();
            Argument::of(iomd_redirect { descriptor, ..Default::default() })
        },
        flags: IOMD_REDIRECT_REFUSE_PINNED
            | IOMD_REDIRECT_ABANDONED_SIGBUS
            | IOMD_REDIRECT_ABANDONED_RESUME,
        padding: &[],
        outs: outs!(iomd_redirect: pinned),
        file: None,
    },
    Call {
        name: "MAP_SEGMENT",
        number: IOMD_MAP_SEGMENT,
        object: |world| world.map.as_fd(),
        argument: |_| Argument::of(iomd_map_segment::default()),
        flags: 0,
        padding: &[],
        outs: outs!(iomd_map_segment: address, length),
        file: None,
    },
    Call {
        name: "MAP_WIRE",
        number: IOMD_MAP_WIRE,
        object: |world| world.map.as_fd(),
        argument: |_| {
            let direction = IOMD_DIRECTION_IN;
            Argument::of(iomd_map_wire { direction, ..Default::default() })
        },
        flags: 0,
        padding: &[offset_of!(iomd_map_wire, padding)],
        outs: &[],
        file: None,
    },
    Call {
        name: "SUSPEND",
        number: IOMD_SUSPEND,
        object: |world| world.map.as_fd(),
        argument: |_| Argument::of(iomd_suspend::default()),
        flags: IOMD_REDIRECT_REFUSE_PINNED
            | IOMD_REDIRECT_ABANDONED_SIGBUS
            | IOMD_REDIRECT_ABANDONED_RESUME,
        padding: &[],
        outs: outs!(iomd_suspend: pinned),
        file: None,
    },
    Call {
        name: "RESUME",
        number: IOMD_RESUME,
        object: |world| world.suspended.as_fd(),
        argument: |_| Argument::of(iomd_resume::default()),
        flags: 0,
        padding: &[],
        outs: &[],
        file: None,
    },
    Call {
        name: "MAP_REOPEN",
        number: IOMD_MAP_REOPEN,
        object: |world| world.map.as_fd(),
        argument: |_| Argument::of(iomd_map_reopen::default()),
        flags: 0,
        padding: &[offset_of!(iomd_map_reopen, padding)],
        outs: outs!(iomd_map_reopen: fd),
        file: Some(offset_of!(iomd_map_reopen, fd)),
    },
    Call {
        name: "MAP_SEAL",
        number: IOMD_MAP_SEAL,
        object: |world| world.map.as_fd(),
        argument: |_| Argument::of(iomd_map_seal::default()),
        flags: 0,
        padding: &[],
        outs: &[],
        file: None,
    },
    Call {
        name: "DMA_BUF_IMPORT",
        number: IOMD_DMA_BUF_IMPORT,
        object: |world| world.client.as_fd(),
        argument: |world| {
            let dma_buf = world.dma_buf().as_raw_fd();
            Argument::of(iomd_dma_buf_import { dma_buf, ..Default::default() })
        },
        flags: 0,
        padding: &[],
        outs: outs!(iomd_dma_buf_import: fd, id),
        file: Some(offset_of!(iomd_dma_buf_import, fd)),
    },
    Call {
        name: "DMA_BUF_EXPORT",
        number: IOMD_DMA_BUF_EXPORT,
        object: |world| world.source.as_fd(),
        argument: |_| Argument::of(iomd_dma_buf_export::default()),
        flags: 0,
        padding: &[offset_of!(iomd_dma_buf_export, padding)],
        outs: outs!(iomd_dma_buf_export: fd, id),
        file: Some(offset_of!(iomd_dma_buf_export, fd)),
    },
    Call {
        name: "MAP_DMA_BUF_EXPORT",
        number: IOMD_MAP_DMA_BUF_EXPORT,
        object: |world| world.map.as_fd(),
        argument: |_| Argument::of(iomd_map_dma_buf_export::default()),
        flags: 0,
        padding: &[offset_of!(iomd_map_dma_buf_export, padding)],
        outs: outs!(iomd_map_dma_buf_export: fd),
        file: Some(offset_of!(iomd_map_dma_buf_export, fd)),
    },
    Call {
        name: "UNMAP",
        number: IOMD_UNMAP,
        object: |world| world.map.as_fd(),
        argument: |_| Argument::of(iomd_unmap::default()),
        flags: 0,
        padding: &[],
        outs: &[],
        file: None,
    },
    Call {
        name: "READ_BYTES",
        number: IOMD_READ_BYTES,
        object: |world| world.source.as_fd(),
        argument: |_| {
            let (address, length) = some_bytes();
            Argument::of(iomd_read_bytes { address, length, ..Default::default() })
        },
        flags: 0,
        padding: &[],
        outs: outs!(iomd_read_bytes: done),
        file: None,
    },
    Call {
        name: "WRITE_BYTES",
        number: IOMD_WRITE_BYTES,
        object: |world| world.source.as_fd(),
        argument: |_| {
            let (address, length) = some_bytes();
            Argument::of(iomd_write_bytes { address, length, ..Default::default() })
        },
        flags: 0,
        padding: &[],
        outs: outs!(iomd_write_bytes: done),
        file: None,
    },
    Call {
        name: "SET_LENGTH",
        number: IOMD_SET_LENGTH,
        object: |world| world.source.as_fd(),
        argument: |_| Argument::of(iomd_set_length { length: 5, ..Default::default() }),
        flags: 0,
        padding: &[],
        outs: &[],
        file: None,
    },
    Call {
        name: "SET_TAG",
        number: IOMD_SET_TAG,
        object: |world| world.source.as_fd(),
        argument: |_| Argument::of(iomd_set_tag { tag: 5, ..Default::default() }),
        flags: 0,
        padding: &[offset_of!(iomd_set_tag, padding)],
        outs: &[],
        file: None,
    },
    Call {
        name: "PERFORM_OPERATION",
        number: IOMD_PERFORM_OPERATION,
        object: |world| world.source.as_fd(),
        argument: |_| {
            let operation = IOMD_OPERATION_FLUSH;
            Argument::of(iomd_perform_operation { operation, ..Default::default() })
        },
        flags: 0,
        padding: &[offset_of!(iomd_perform_operation, padding)],
        outs: &[],
        file: None,
    },
    Call {
        name: "PAGE_COUNTS",
        number: IOMD_PAGE_COUNTS,
        object: |world| world.source.as_fd(),
        argument: |_| Argument::of(iomd_page_counts::default()),
        flags: 0,
        padding: &[],
        outs: outs!(iomd_page_counts: resident, dirty),
        file: None,
    },
    Call {
        name: "MAPPED_READ",
        number: IOMD_MAPPED_READ,
        object: |world| world.in_kernel.as_fd(),
        argument: |_| Argument::of(iomd_mapped_read { width: 64, ..Default::default() }),
        flags: 0,
        padding: &[offset_of!(iomd_mapped_read, padding)],
        outs: outs!(iomd_mapped_read: value),
        file: None,
    },
    Call {
        name: "MAPPED_WRITE",
        number: IOMD_MAPPED_WRITE,
        object: |world| world.in_kernel.as_fd(),
        argument: |_| Argument::of(iomd_mapped_write { width: 32, value: 5, ..Default::default() }),
        flags: 0,
        padding: &[offset_of!(iomd_mapped_write, padding)],
        outs: &[],
        file: None,
    },
    Call {
        name: "FLUSH_PROCESSOR_CACHE",
        number: IOMD_FLUSH_PROCESSOR_CACHE,
        object: |world| world.task.as_fd(),
        argument: |_| {
            let (address, length) = some_bytes();
            Argument::of(iomd_flush_processor_cache { address, length, ..Default::default() })
        },
        flags: 0,
        padding: &[],
        outs: &[],
        file: None,
    },
];

/// Memory that any call may read and write at any time: where it is, and how long. Behind it is none, so
/// that a longer one is an error and not somebody's.
fn some_bytes() -> (u64, u64) {
    static PLACE: OnceLock<usize> = OnceLock::new();
    const LENGTH: usize = 16;
    let address = PLACE.get_or_init(|| {
        let region = Region::reserve(2);
        let page = region.pages(0..1);
        page.protect(MprotectFlags::READ | MprotectFlags::WRITE).expect("it is ours");
        page.write(PAGE - LENGTH, 5);
        page.address() + PAGE - LENGTH
    });
    (*address as u64, LENGTH as u64)
}
