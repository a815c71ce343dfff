// SPDX-License-Identifier: MIT OR Apache-2.0

//! A read-only map cannot be written: every way to write, by who has the memory and by others, tried
//! on every way to have it.

use std::ffi::c_void;
use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::slice;

use iomd::{Access, Descriptor, Errno, Inheritance, Map, MmapOptions};
use rustix::fs::{MemfdFlags, OFlags, fcntl_setfl, memfd_create};
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags};
use rustix::process::{Signal, getpid};

use crate::support::ptrace::Traced;
use crate::support::region::last_errno;
use crate::support::uring::Ring;
use crate::support::{Child, End, PAGE, Region, assert_painted, painted, window};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;
const WRITTEN: u64 = 0x5772;

/// A way to write a region's first word, or to get the right to, by the process that has it; and
/// what it is told where it must not.
type Way = (&'static str, fn(Region) -> Result<(), Errno>, Errno);

const WAYS: [Way; 7] = [
    (
        "mprotect(2)",
        |region| region.protect(MprotectFlags::READ | MprotectFlags::WRITE),
        Errno::ACCESS,
    ),
    ("/proc/self/mem", |region| write_memory_file("/proc/self/mem", region.address()), Errno::IO),
    (
        "process_vm_writev(2)",
        |region| write_process(getpid().as_raw_nonzero().get(), region.address()),
        Errno::FAULT,
    ),
    ("read(2)", |region| read_into(&source(), region), Errno::FAULT),
    ("io_uring, fixed buffer", |region| Ring::new().register(region), Errno::FAULT),
    (
        "io_uring, worker",
        |region| Ring::new().read_in_worker(source(), region).map(drop),
        Errno::FAULT,
    ),
    ("MADV_POPULATE_WRITE", |region| region.advise(Advice::LinuxPopulateWrite), Errno::INVAL),
];

/// A file that begins with the word to be written.
fn source() -> File {
    let mut file = File::from(memfd_create("file", MemfdFlags::CLOEXEC).unwrap());
    file.write_all(&WRITTEN.to_ne_bytes()).unwrap();
    file.rewind().unwrap();
    file
}

fn read_into(file: &File, region: Region) -> Result<(), Errno> {
    // SAFETY: a region is nobody's; nothing but the kernel looks at this slice.
    let word = unsafe { slice::from_raw_parts_mut(region.as_ptr().cast::<u8>(), 8) };
    rustix::io::read(file, word).map(drop)
}

fn write_memory_file(path: &str, address: usize) -> Result<(), Errno> {
    let memory = File::options().write(true).open(path).unwrap();
    let written = memory.write_all_at(&WRITTEN.to_ne_bytes(), address as u64);
    written.map_err(|error| Errno::from_io_error(&error).unwrap())
}

fn write_process(pid: i32, address: usize) -> Result<(), Errno> {
    let word = WRITTEN;
    let local = libc::iovec { iov_base: (&raw const word).cast_mut().cast::<c_void>(), iov_len: 8 };
    let place = std::ptr::without_provenance_mut(address);
    let remote = libc::iovec { iov_base: place, iov_len: 8 };
    // SAFETY: what is written to is a region.
    match unsafe { libc::process_vm_writev(pid, &local, 1, &remote, 1, 0) } {
        8 => Ok(()),
        _ => Err(last_errno()),
    }
}

/// Tries all ways to write a region that a process has; asserts that each fails, or that none does.
#[track_caller]
fn assert_writable(writable: bool, what: &str, region: impl Fn() -> Region) {
    let expected = |errno| if writable { Ok(()) } else { Err(errno) };
    let child = Child::fork(|_| {
        let region = region();
        for (name, write, errno) in WAYS {
            assert_eq!(write(region), expected(errno), "{name}, {what}");
        }
    });
    child.succeed();

    let child = Child::fork(|parent| {
        let region = region();
        // So that there is a page-table entry, which a debugger might use.
        region.read(0);
        parent.say(region.address() as u64);
        parent.hear();
        region.write(0, WRITTEN);
    });
    let (address, pid) = (child.hear() as usize, child.pid());
    let traced = Traced::seize(&child);
    traced.peek(address).expect("it can be read");
    assert_eq!(traced.poke(address, WRITTEN), expected(Errno::IO), "PTRACE_POKEDATA, {what}");
    drop(traced);
    let written = write_process(pid.as_raw_nonzero().get(), address);
    assert_eq!(written, expected(Errno::FAULT), "process_vm_writev(2) of another, {what}");
    let written = write_memory_file(&format!("/proc/{pid}/mem"), address);
    assert_eq!(written, expected(Errno::IO), "/proc/PID/mem, {what}");
    child.say(0);
    let end = if writable { End::Exited(0) } else { End::Killed(Signal::SEGV) };
    assert_eq!(child.end(), end, "{what}");
}

/// A way to come to have a map's memory.
type Mapping = (&'static str, fn(&Map) -> Region);

const MAPPINGS: [Mapping; 6] = [
    ("mapped", mapped),
    ("mapped in part", |map| {
        let rights = MmapOptions {
            offset: PAGE as u64,
            read_only: is_read_only(map),
            ..MmapOptions::default()
        };
        map.mmap_with(rights).unwrap().into()
    }),
    ("moved", |map| mapped(map).moved()),
    ("protected for a while", |map| {
        let region = mapped(map);
        region.protect(MprotectFlags::empty()).unwrap();
        region.protect(MprotectFlags::READ).unwrap();
        if !is_read_only(map) {
            region.protect(MprotectFlags::READ | MprotectFlags::WRITE).unwrap();
        }
        region
    }),
    ("with parts of it gone", |map| {
        let region = mapped(map);
        region.pages(0..1).unmap().unwrap();
        region.pages(2..3).unmap().unwrap();
        region.pages(1..2)
    }),
    ("its file pages remapped", |map| {
        let region = mapped(map);
        // The kernel refuses that for what it knows to be read-only; then there is no other mapping.
        let remapped = region.pages(0..2).show_file_pages(1);
        assert_eq!(remapped, if is_read_only(map) { Err(Errno::INVAL) } else { Ok(()) });
        region
    }),
];

fn mapped(map: &Map) -> Region {
    map.mmap().unwrap().into()
}

fn is_read_only(map: &Map) -> bool {
    map.info().unwrap().options.contains(iomd::MapOptions::READ_ONLY)
}

/// A unique, inherited map.
fn map_of(memory: &Descriptor, read_only: bool) -> Map {
    let builder = memory.map().unique(true).inheritance(Inheritance::Share);
    builder.read_only(read_only).create().unwrap()
}

#[test]
fn a_read_only_map_cannot_be_written_in_any_way() {
    let memory = painted(3, OLD);
    let map = map_of(&memory, true);
    for (what, mapping) in MAPPINGS {
        assert_writable(false, what, || mapping(&map));
    }
    assert_painted(&memory, OLD);
}

#[test]
fn a_writable_map_can_in_every_way() {
    // Or else the test above proves nothing.
    for (what, mapping) in MAPPINGS {
        let memory = painted(3, OLD);
        assert_writable(true, what, || mapping(&map_of_kept(&memory)));
        let window = window(&memory);
        assert!((0..3).any(|page| window.load_u64(page * PAGE) == WRITTEN), "{what}");
    }
}

/// A writable map that does not end with its file descriptor.
fn map_of_kept(memory: &Descriptor) -> Map {
    let builder = memory.map().unique(true).inheritance(Inheritance::Share);
    builder.keep(true).create().unwrap()
}

#[test]
fn what_a_child_inherits_is_as_read_only() {
    let memory = painted(3, OLD);
    let inherited = map_of(&memory, true);
    let region = Region::from(inherited.mmap().unwrap());
    assert_writable(false, "inherited", || region);
    // Also by a grandchild, of one that has tried.
    let child = Child::fork(|_| {
        assert_eq!(region.protect(MprotectFlags::WRITE), Err(Errno::ACCESS));
        assert_writable(false, "inherited twice", || region);
    });
    child.succeed();
    region.unmap().unwrap();
    assert_painted(&memory, OLD);
}

#[test]
fn other_memory_is_as_read_only() {
    let (old, new) = (painted(3, OLD), painted(3, NEW));
    let map = map_of(&old, true);
    let region = Region::from(map.mmap().unwrap());
    region.read(0);
    // To memory that may be written, and to the same through one that may not.
    for target in [&new, &new.read_only().unwrap(), &old] {
        map.redirect(target).run().unwrap();
        assert_writable(false, "redirected", || region);
        assert_writable(false, "redirected before it was mapped", || mapped(&map));
    }
    map.suspend().unwrap();
    map.resume().unwrap();
    assert_writable(false, "resumed", || region);
    old.copy_to(&new).resume_on_target(true).run().unwrap();
    assert_eq!(map.info().unwrap().descriptor_id, new.id().unwrap());
    assert_writable(false, "moved by a copy", || region);
    region.unmap().unwrap();
    assert_painted(&old, OLD);
    assert_painted(&new, OLD);
}

#[test]
fn a_read_only_map_is_not_mapped_for_writing() {
    let map = map_of(&painted(1, OLD), true);
    let rights = [ProtFlags::WRITE, ProtFlags::READ | ProtFlags::WRITE];
    for rights in rights {
        let mapped = Region::map(&map, 0, PAGE, rights, MapFlags::SHARED);
        assert_eq!(mapped, Err(Errno::ACCESS));
        // A copy of one's own would be no harm, but it would not follow the map.
        let mapped = Region::map(&map, 0, PAGE, rights, MapFlags::PRIVATE);
        assert_eq!(mapped, Err(Errno::INVAL));
    }
}

#[test]
fn no_rights_come_with_a_file_descriptor_that_is_handed_over() {
    let memory = painted(3, OLD);
    let child = Child::fork(|parent| {
        parent.close_all_others();
        let descriptor: Descriptor = parent.receive();
        let map: Map = parent.receive();
        // What fcntl(2) takes for flags are not rights.
        for file in [descriptor.as_fd(), map.as_fd()] {
            fcntl_setfl(file, OFlags::RDWR).unwrap();
        }
        for descriptor in [descriptor.reopen(Access::ReadWrite).unwrap(), descriptor] {
            assert!(descriptor.info().unwrap().read_only);
            assert_eq!(descriptor.map().create().unwrap_err().errno(), Errno::ACCESS);
        }
        assert_writable(false, "handed over", || mapped(&map));
    });
    let descriptor = memory.read_only().unwrap();
    child.send(&descriptor);
    child.send(map_of(&descriptor, true));
    child.succeed();
    assert_painted(&memory, OLD);
}
