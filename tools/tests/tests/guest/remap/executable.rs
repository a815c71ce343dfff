// SPDX-License-Identifier: MIT OR Apache-2.0

//! Code: only where it is mapped from its own file.

use iomd::{Errno, Inheritance, Protection};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags};

use super::{Own, RW, TAG, map, memfd, place, private, unmap};
use crate::support::{PAGE, Region};

/// `mov eax, 42; ret`
const CODE: [u8; 6] = [0xb8, 42, 0, 0, 0, 0xc3];

fn call(region: Region) -> u32 {
    // SAFETY: there is code of the C calling convention.
    unsafe {
        let function: extern "C" fn() -> u32 = std::mem::transmute(region.as_ptr());
        function()
    }
}

#[test]
fn a_shared_mapping_of_a_file_is_executed_in_both_places() {
    let own = Own::new();
    let file = memfd(1, 0);
    let rights = ProtFlags::READ | ProtFlags::WRITE | ProtFlags::EXEC;
    let region = map(&file, 0, 1, rights, MapFlags::SHARED);
    region.write_bytes(0, &CODE);
    let all = RW | Protection::EXECUTE;
    let remapped = own.remap(region).run().unwrap();
    assert_eq!((remapped.cur, remapped.max), (all, all));
    let alias = place(remapped, PAGE);
    assert_eq!(call(alias), 42);
    alias.write_bytes(1, &[43]);
    assert_eq!(call(region), 43);
    unmap([region, alias]);
}

#[test]
fn elsewhere_the_right_is_gone_and_it_is_told() {
    let own = Own::new();
    let file = memfd(1, 0);
    let rights = ProtFlags::READ | ProtFlags::EXEC;
    let shared = map(&file, 0, 1, rights, MapFlags::SHARED);
    let alone = private(1, TAG);
    alone.protect(MprotectFlags::READ | MprotectFlags::EXEC).unwrap();
    for (region, inheritance) in [(shared, Inheritance::None), (alone, Inheritance::Share)] {
        let remapped = own.remap(region).inheritance(inheritance).run().unwrap();
        assert_eq!((remapped.cur, remapped.max), (Protection::READ, RW));
        let alias = place(remapped, PAGE);
        assert_eq!(alias.protect(MprotectFlags::READ | MprotectFlags::EXEC), Err(Errno::ACCESS));
        // Who insists on it is refused.
        let code = Protection::READ | Protection::EXECUTE;
        let wanted = own.remap(region).inheritance(inheritance).protections(code, code);
        assert_eq!(wanted.run().unwrap_err().errno(), Errno::ACCESS);
        unmap([alias]);
    }
    unmap([shared, alone]);
}
