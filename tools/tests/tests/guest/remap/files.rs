// SPDX-License-Identifier: MIT OR Apache-2.0

//! Files that others see too: they are mapped again.

use std::fs::{self, File, OpenOptions};
use std::io::Write;

use iomd::{Errno, Inheritance, Protection};
use rustix::fs::{SealFlags, fcntl_add_seals, ftruncate};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous};
use rustix::process::getpid;

use super::{Own, RW, TAG, assert_painted, assert_shared, map, memfd, paint, place, shared, unmap};
use crate::support::{PAGE, Region, proc};

#[test]
fn a_file_in_memory() {
    let own = Own::new();
    let file = memfd(4, TAG);
    let region = shared(&file, 1, 3);
    let alias = own.alias(region);
    assert_painted(alias, TAG + 1);
    assert_shared(region, alias);
    drop(file);
    region.unmap().unwrap();
    assert_eq!(alias.read(PAGE), TAG + 2);
    unmap([alias]);
}

#[test]
fn a_file_on_a_file_system() {
    let own = Own::new();
    let path = "/tmp/iomd-remap";
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path).unwrap();
    file.write_all(&vec![7; 2 * PAGE]).unwrap();
    for inheritance in [Inheritance::Share, Inheritance::None] {
        let region = shared(&file, 0, 2);
        let remapped = own.remap(region).inheritance(inheritance).run().unwrap();
        let alias = place(remapped, region.len());
        assert_shared(region, alias);
        let name = proc::mappings(getpid())
            .into_iter()
            .find(|mapping| mapping.addresses.start == alias.address())
            .map(|mapping| mapping.name);
        assert_eq!(name.as_deref(), Some(path));
        region.unmap().unwrap();
        alias.write(8, 99);
        assert_eq!(fs::read(path).unwrap()[8], 99);
        unmap([alias]);
    }
    fs::remove_file(path).unwrap();
}

#[test]
fn its_own_rights_hold() {
    let own = Own::new();
    let path = "/tmp/iomd-remap";
    fs::write(path, vec![7; PAGE]).unwrap();
    let file = File::open(path).unwrap();
    let region = map(&file, 0, 1, ProtFlags::READ, MapFlags::SHARED);
    for inheritance in [Inheritance::Share, Inheritance::None] {
        let remapped = own.remap(region).inheritance(inheritance).run().unwrap();
        assert_eq!(remapped.cur, Protection::READ);
        assert!(!remapped.max.contains(Protection::WRITE));
        let alias = place(remapped, region.len());
        assert_eq!(alias.read(0), 0x0707_0707_0707_0707);
        let rights = MprotectFlags::READ | MprotectFlags::WRITE;
        assert_eq!(alias.protect(rights), Err(Errno::ACCESS), "{inheritance}");
        unmap([alias]);
    }
    unmap([region]);
    fs::remove_file(path).unwrap();
}

#[test]
fn seals_hold() {
    let own = Own::new();
    let file = memfd(1, TAG);
    let region = shared(&file, 0, 1);
    fcntl_add_seals(&file, SealFlags::FUTURE_WRITE).unwrap();
    // What is writable already stays so; nothing new becomes it.
    for inheritance in [Inheritance::Share, Inheritance::None] {
        let refused = own.remap(region).inheritance(inheritance).run().unwrap_err();
        assert_eq!(refused.errno(), Errno::PERM, "{inheritance}");
    }
    region.unmap().unwrap();

    let region = map(&file, 0, 1, ProtFlags::READ, MapFlags::SHARED);
    fcntl_add_seals(&file, SealFlags::WRITE).unwrap();
    for inheritance in [Inheritance::Share, Inheritance::None] {
        let remapped = own.remap(region).inheritance(inheritance).run().unwrap();
        assert!(!remapped.max.contains(Protection::WRITE));
        let alias = place(remapped, region.len());
        assert_painted(alias, TAG);
        let rights = MprotectFlags::READ | MprotectFlags::WRITE;
        assert_eq!(alias.protect(rights), Err(Errno::ACCESS), "{inheritance}");
        unmap([alias]);
    }
    unmap([region]);
}

#[test]
fn a_file_can_be_sealed_once_it_is_mapped_no_more() {
    let own = Own::new();
    let file = memfd(1, TAG);
    let region = shared(&file, 0, 1);
    let remapped = own.remap(region).inheritance(Inheritance::None).run().unwrap();
    let alias = place(remapped, region.len());
    region.unmap().unwrap();
    assert_eq!(fcntl_add_seals(&file, SealFlags::WRITE), Err(Errno::BUSY));
    alias.unmap().unwrap();
    crate::support::eventually("nobody writes the file", || {
        fcntl_add_seals(&file, SealFlags::WRITE).is_ok()
    });
}

#[test]
fn less_than_its_rights() {
    let own = Own::new();
    let file = memfd(1, TAG);
    let region = shared(&file, 0, 1);
    let read = Protection::READ;
    let remapped = own.remap(region).protections(read, read).run().unwrap();
    assert_eq!((remapped.cur, remapped.max), (read, read));
    let alias = place(remapped, region.len());
    assert_painted(alias, TAG);
    region.write(8, 77);
    assert_eq!(alias.read(8), 77);
    assert_eq!(alias.protect(MprotectFlags::READ | MprotectFlags::WRITE), Err(Errno::ACCESS));
    unmap([region, alias]);
}

#[test]
fn memory_that_is_shared_without_a_file() {
    let own = Own::new();
    let rights = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: nothing that is mapped is replaced.
    let address =
        unsafe { mmap_anonymous(std::ptr::null_mut(), 2 * PAGE, rights, MapFlags::SHARED) };
    let region = Region::at(address.unwrap().expose_provenance(), 2 * PAGE);
    paint(region, TAG);
    let remapped = own.remap(region).run().unwrap();
    assert_eq!(remapped.cur, RW);
    let alias = place(remapped, region.len());
    assert_painted(alias, TAG);
    assert_shared(region, alias);
    unmap([region, alias]);
}

#[test]
fn what_is_beyond_its_end_is_so_in_the_new_mapping_too() {
    let own = Own::new();
    let file = memfd(2, TAG);
    let region = shared(&file, 0, 2);
    let alias = own.alias(region);
    ftruncate(&file, PAGE as u64).unwrap();
    assert_eq!(alias.read(0), TAG);
    let child = crate::support::Child::fork(|_| {
        alias.read(PAGE);
    });
    assert_eq!(child.end(), crate::support::End::Killed(rustix::process::Signal::BUS));
    // A copy would need it.
    let refused = own.remap(region).copy(true).run().unwrap_err();
    assert_eq!(refused.errno(), Errno::IO);
    unmap([region, alias]);
}
