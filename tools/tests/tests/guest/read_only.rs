// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is read-only stays read-only.

use std::fs::File;
use std::os::unix::fs::FileExt;

use iomd::{Access, Errno, Map, MmapOptions};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::pread;
use rustix::mm::{Advice, MprotectFlags, MremapFlags};
use rustix::process::Signal;

use crate::support::ptrace::Traced;
use crate::support::{Child, End, PAGE, Region, User, assert_painted, client, painted};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

/// A read-only map of two pages that is inherited.
fn read_only(memory: &iomd::Descriptor) -> Map {
    let builder = memory.map().unique(true).inheritance(iomd::Inheritance::Share);
    builder.read_only(true).create().unwrap()
}

fn mapped(map: &Map) -> Region {
    map.mmap().unwrap().into()
}

/// Asserts that memory can be read, not written, and not be made writable.
#[track_caller]
fn assert_read_only(region: Region, tag: u64) {
    let reader = User::with(|| region);
    assert_eq!(reader.read(0), tag);
    reader.begin_write(0, 7);
    assert_eq!(reader.into_child().end(), End::Killed(Signal::SEGV));
    for rights in [MprotectFlags::WRITE, MprotectFlags::READ | MprotectFlags::WRITE] {
        assert_eq!(region.protect(rights), Err(Errno::ACCESS));
    }
    assert_eq!(region.protect(MprotectFlags::EXEC), Err(Errno::ACCESS));
    assert_eq!(region.advise(Advice::LinuxPopulateWrite), Err(Errno::INVAL));
}

#[test]
fn a_read_only_map_is_not_mapped_writable() {
    let map = read_only(&painted(2, OLD));
    let error = map.mmap_with(MmapOptions::default()).unwrap_err();
    assert_eq!(error.errno(), Errno::ACCESS);
}

#[test]
fn mprotect_is_refused() {
    let memory = painted(2, OLD);
    let map = read_only(&memory);
    assert_read_only(mapped(&map), OLD);
    assert_painted(&memory, OLD);
}

#[test]
fn a_forked_child_has_no_more_rights() {
    let memory = painted(2, OLD);
    let map = read_only(&memory);
    let region = mapped(&map);
    Child::fork(|_| assert_read_only(region, OLD)).succeed();
    assert_painted(&memory, OLD);
}

#[test]
fn another_process_has_no_more_rights() {
    let memory = painted(2, OLD);
    let map = read_only(&memory);
    Child::fork(|_| assert_read_only(mapped(&map), OLD)).succeed();
    let map = client().open_map(map.id().unwrap()).unwrap();
    assert_eq!(map.mmap_with(MmapOptions::default()).unwrap_err().errno(), Errno::ACCESS);
    assert_read_only(mapped(&map), OLD);
    assert_painted(&memory, OLD);
}

#[test]
fn redirect_gives_no_rights() {
    let (old, new) = (painted(2, OLD), painted(2, NEW));
    let map = read_only(&old);
    let region = mapped(&map);
    assert_read_only(region, OLD);
    map.redirect(&new).run().unwrap();
    assert_read_only(region, NEW);
    map.suspend().unwrap();
    map.resume().unwrap();
    assert_read_only(region, NEW);
    assert_painted(&old, OLD);
    assert_painted(&new, NEW);
}

#[test]
fn remap_file_pages_gives_no_rights() {
    let memory = painted(2, OLD);
    let map = read_only(&memory);
    let region = mapped(&map);
    // The kernel refuses it for all files that cannot be written.
    assert_eq!(region.pages(0..1).show_file_pages(1), Err(Errno::INVAL));
    assert_read_only(region, OLD);

    // A read-only mapping of a map that may be written can become what it could become before.
    let map = memory.map().unique(true).create().unwrap();
    let options = MmapOptions { read_only: true, ..MmapOptions::default() };
    let region = Region::from(map.mmap_with(options).unwrap());
    region.pages(0..1).show_file_pages(1).unwrap();
    let reader = User::with(|| region);
    drop(reader);
    assert_eq!(region.read(0), OLD + 1);
    let child = Child::fork(|_| mapped(&map).pages(0..1).protect(MprotectFlags::READ).unwrap());
    child.succeed();
    region.protect(MprotectFlags::READ | MprotectFlags::WRITE).unwrap();
}

#[test]
fn mremap_gives_no_rights() {
    let memory = painted(2, OLD);
    let map = read_only(&memory);
    let region = mapped(&map).moved();
    assert_read_only(region, OLD);
    let shrunk = region.remap(PAGE, MremapFlags::empty(), None).unwrap();
    assert_read_only(shrunk, OLD);
    assert_painted(&memory, OLD);
}

#[test]
fn proc_self_mem_is_refused() {
    let memory = painted(2, OLD);
    let map = read_only(&memory);
    let region = mapped(&map);
    let file = File::options().read(true).write(true).open("/proc/self/mem").unwrap();
    let place = region.address() as u64;
    let error = file.write_all_at(&[7; 8], place).unwrap_err();
    assert_eq!(Errno::from_io_error(&error), Some(Errno::IO));
    let mut word = [0; 8];
    file.read_exact_at(&mut word, place).unwrap();
    assert_eq!(u64::from_ne_bytes(word), OLD);
    assert_painted(&memory, OLD);
}

#[test]
fn a_debugger_s_poke_is_refused() {
    let memory = painted(2, OLD);
    let map = read_only(&memory);
    let user = User::of(&map);
    let address = map.info().unwrap().address.unwrap() as usize;
    let traced = Traced::seize(&user);
    assert_eq!(traced.poke(address, 7), Err(Errno::IO));
    assert_eq!(traced.peek(address), Ok(OLD));
    drop(traced);
    assert_eq!(user.read(0), OLD);
    assert_painted(&memory, OLD);
}

#[test]
fn a_system_call_that_would_write_is_refused() {
    let memory = painted(2, OLD);
    let map = read_only(&memory);
    let region = mapped(&map);
    let file = File::open("/proc/self/exe").unwrap();
    // SAFETY: a region is nobody's; the kernel is to refuse to write there.
    let bytes = unsafe { std::slice::from_raw_parts_mut(region.as_ptr().cast::<u8>(), 8) };
    assert_eq!(pread(&file, &mut *bytes, 0), Err(Errno::FAULT));
    assert_painted(&memory, OLD);
}

#[test]
fn a_handle_is_not_opened_again_with_more_rights() {
    let memory = painted(2, OLD);
    let map = read_only(&memory);
    let region = mapped(&map);
    region.read(0);
    let handle = format!(
        "/proc/self/fd/{}",
        std::os::fd::AsRawFd::as_raw_fd(&std::os::fd::AsFd::as_fd(&map))
    );
    let view = std::fs::read_dir("/proc/self/map_files").unwrap().find_map(|entry| {
        let path = entry.unwrap().path();
        let start = format!("{:x}-", region.address());
        path.file_name()?.to_str()?.starts_with(&start).then_some(path)
    });
    for path in [handle.into(), view.expect("the kernel shows what is mapped")] {
        for flags in [OFlags::RDWR, OFlags::WRONLY, OFlags::RDONLY] {
            open(&path, flags, Mode::empty()).expect_err("an object is not opened by a path");
        }
    }
}

#[test]
fn a_read_only_descriptor_gives_read_only_maps() {
    let memory = painted(2, OLD);
    let reader = memory.read_only().unwrap();
    assert!(reader.info().unwrap().read_only);
    assert!(!memory.info().unwrap().read_only);
    assert_eq!(reader.map().create().unwrap_err().errno(), Errno::ACCESS);
    let map = reader.map().unique(true).read_only(true).create().unwrap();
    assert_read_only_in_child(&map);

    // Rights are never widened.
    for access in [Access::ReadWrite, Access::ReadOnly] {
        let again = reader.reopen(access).unwrap();
        assert!(again.info().unwrap().read_only);
        assert_eq!(again.map().create().unwrap_err().errno(), Errno::ACCESS);
    }
    let whole = memory.reopen(Access::ReadWrite).unwrap();
    assert!(!whole.info().unwrap().read_only);
    whole.map().create().unwrap();
    assert_painted(&memory, OLD);
}

fn assert_read_only_in_child(map: &Map) {
    Child::fork(|_| {
        let region = mapped(map);
        assert_eq!(region.protect(MprotectFlags::WRITE), Err(Errno::ACCESS));
        assert_eq!(region.read(0), OLD);
    })
    .succeed();
    let writer = User::of(map);
    writer.begin_write(0, 7);
    assert_eq!(writer.into_child().end(), End::Killed(Signal::SEGV));
}

#[test]
fn a_read_only_descriptor_gives_its_memory_to_nobody_who_writes() {
    let memory = painted(2, OLD);
    let reader = memory.read_only().unwrap();
    let other = painted(2, NEW);
    // Neither as a target of a copy, nor by moving its maps away.
    assert_eq!(other.copy_to(&reader).run().unwrap_err().errno(), Errno::ACCESS);
    let error = reader.copy_to(&other).resume_on_target(true).run().unwrap_err();
    assert_eq!(error.errno(), Errno::ACCESS);
    assert_painted(&other, NEW);
    let target = painted(2, 0);
    reader.copy_to(&target).run().unwrap();
    assert_painted(&target, OLD);
    assert_painted(&memory, OLD);
}
