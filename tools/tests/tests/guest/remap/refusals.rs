// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is refused, and leaves everything as it was.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};

use iomd::Errno;
use iomd_sys::{
    IOMD_INHERIT_SHARE, IOMD_REMAP, IOMD_REMAP_PROTECTIONS, IOMD_VM_FLAGS_ANYWHERE,
    IOMD_VM_FLAGS_OVERWRITE, iomd_remap,
};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags};
use rustix::process::getpid;

use super::{FAR, Own, TAG, assert_painted, limit, private, unmap};
use crate::support::region::last_errno;
use crate::support::{PAGE, Region, objects, proc, raw};

/// A call that would be done.
fn good(own: &Own, region: Region) -> iomd_remap {
    let task = own.task.as_fd().as_raw_fd();
    iomd_remap {
        size: raw::size::<iomd_remap>(),
        vm_flags: IOMD_VM_FLAGS_ANYWHERE,
        inheritance: IOMD_INHERIT_SHARE,
        target_task: task,
        source_task: task,
        target_address: FAR,
        length: region.len() as u64,
        source_address: region.address() as u64,
        ..Default::default()
    }
}

#[track_caller]
fn refused(own: &Own, call: iomd_remap) -> Errno {
    let sight = || {
        let mappings = proc::mappings(getpid());
        (objects(), mappings.into_iter().map(|own| own.addresses).collect::<Vec<_>>())
    };
    // Reading it can move the heap's end.
    let _ = sight();
    let before = sight();
    let errno = raw::refused(&own.client, IOMD_REMAP, call);
    assert_eq!(sight(), before);
    errno
}

#[test]
fn in_mach_s_order() {
    let own = Own::new();
    let region = private(2, TAG);
    let hole = Region::reserve(1);
    hole.unmap().unwrap();
    // Each is wrong in all that comes after it too.
    let mut call = good(&own, region);
    call.vm_flags = 0;
    call.target_address = region.address() as u64;
    assert_eq!(refused(&own, call), Errno::NOSPC);
    call.target_address = u64::MAX - PAGE as u64 + 1;
    assert_eq!(refused(&own, call), Errno::FAULT);
    call.mask = 1 << 63;
    assert_eq!(refused(&own, call), Errno::NOSPC);
    call.source_address = hole.address() as u64;
    assert_eq!(refused(&own, call), Errno::FAULT);
    call.length = 0;
    assert_eq!(refused(&own, call), Errno::INVAL);
    call.flags = IOMD_REMAP_PROTECTIONS;
    (call.cur_protection, call.max_protection) = (6, 6);
    assert_eq!(refused(&own, call), Errno::ACCESS);
    call.cur_protection = 8;
    assert_eq!(refused(&own, call), Errno::INVAL);
    (call.cur_protection, call.max_protection) = (1, 2);
    assert_eq!(refused(&own, call), Errno::INVAL);
    call.inheritance = 1;
    assert_eq!(refused(&own, call), Errno::OPNOTSUPP);
    call.inheritance = 3;
    assert_eq!(refused(&own, call), Errno::INVAL);
    call.source_task = -1;
    assert_eq!(refused(&own, call), Errno::BADF);
    call.source_task = own.client.as_fd().as_raw_fd();
    assert_eq!(refused(&own, call), Errno::INVAL);
    call.target_task = -1;
    assert_eq!(refused(&own, call), Errno::BADF);
    assert_painted(region, TAG);
    unmap([region]);
}

#[test]
fn flags_that_nobody_knows() {
    let own = Own::new();
    let region = private(1, TAG);
    for bit in (0..32).map(|shift| 1 << shift) {
        let known = IOMD_VM_FLAGS_ANYWHERE | IOMD_VM_FLAGS_OVERWRITE | 0x10_0000;
        if bit & known == 0 {
            let mut call = good(&own, region);
            call.vm_flags |= bit;
            assert_eq!(refused(&own, call), Errno::INVAL, "{bit:#x}");
        }
    }
    unmap([region]);
}

#[test]
fn holes_and_what_wraps() {
    let own = Own::new();
    let region = private(3, TAG);
    region.pages(1..2).unmap().unwrap();
    let call = good(&own, region);
    assert_eq!(refused(&own, call), Errno::FAULT);
    let far = iomd_remap { source_address: 1 << 62, ..call };
    assert_eq!(refused(&own, far), Errno::FAULT);
    for (source_address, length) in
        [(u64::MAX, 1), (1, u64::MAX), (0, u64::MAX), (1 << 63, 1 << 63)]
    {
        let call = iomd_remap { source_address, length, ..call };
        assert_eq!(refused(&own, call), Errno::INVAL, "{length:#x} at {source_address:#x}");
    }
    unmap([region.pages(0..1), region.pages(2..3)]);
}

#[test]
fn a_target_without_room() {
    let own = Own::new();
    let region = private(2, TAG);
    let call = good(&own, region);
    for target_address in [(1 << 47) - 2 * PAGE as u64, 1 << 47, u64::MAX] {
        let call = iomd_remap { target_address, ..call };
        assert_eq!(refused(&own, call), Errno::NOSPC, "{target_address:#x}");
    }
    for mask in [u64::MAX, !0xfff, 3 << 46] {
        // From there on every address has one of the bits.
        let call = iomd_remap { target_address: 1 << 46, mask, ..call };
        assert_eq!(refused(&own, call), Errno::NOSPC, "{mask:#x}");
    }
    unmap([region]);
}

#[test]
fn addresses_that_no_task_may_have() {
    let own = Own::new();
    let region = private(1, TAG);
    let call = iomd_remap { vm_flags: 0, target_address: limit(), ..good(&own, region) };
    assert_eq!(refused(&own, call), Errno::FAULT);
    unmap([region]);
}

#[test]
fn secret_memory() {
    // SAFETY: it takes a number.
    let fd = unsafe { libc::syscall(libc::SYS_memfd_secret, 0) };
    if fd < 0 {
        assert_eq!(last_errno(), Errno::NOSYS);
        return;
    }
    // SAFETY: it was made just now.
    let file = unsafe { <File as std::os::fd::FromRawFd>::from_raw_fd(fd as i32) };
    ftruncate(&file, PAGE as u64).unwrap();
    assert_closed(&file, PAGE, MapFlags::SHARED);
}

#[test]
fn huge_pages_of_hugetlbfs() {
    const HUGE: usize = 2 << 20;
    let file = memfd_create("huge", MemfdFlags::CLOEXEC | MemfdFlags::HUGETLB).unwrap();
    ftruncate(&file, HUGE as u64).unwrap();
    // None are there, which does not matter: they come on touch.
    assert_closed(&file, HUGE, MapFlags::SHARED | MapFlags::NORESERVE);
}

#[test]
fn memory_of_drivers() {
    let ring = io_uring::IoUring::new(4).unwrap();
    // SAFETY: the ring is there until the end.
    let file = unsafe { std::os::fd::BorrowedFd::borrow_raw(ring.as_raw_fd()) };
    assert_closed(file, PAGE, MapFlags::SHARED);
    // The kernel's own code for programs.
    let own = Own::new();
    let code = proc::mappings(getpid());
    let code = code.iter().find(|mapping| mapping.name == "[vdso]").unwrap();
    let region = Region::at(code.addresses.start, PAGE);
    for copy in [false, true] {
        let call = iomd_remap { flags: copy.into(), ..good(&own, region) };
        assert_eq!(refused(&own, call), Errno::OPNOTSUPP);
    }
}

#[track_caller]
fn assert_closed(file: impl AsFd, length: usize, flags: MapFlags) {
    let own = Own::new();
    let rights = ProtFlags::READ | ProtFlags::WRITE;
    let region = Region::map(file, 0, length, rights, flags).unwrap();
    for copy in [false, true] {
        let call = iomd_remap { flags: copy.into(), ..good(&own, region) };
        assert_eq!(refused(&own, call), Errno::OPNOTSUPP);
    }
    unmap([region]);
}
