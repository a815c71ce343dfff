// SPDX-License-Identifier: MIT OR Apache-2.0

//! Physical memory: that of a device which has no driver. The guest has one for it, whose memory is
//! plain bytes (ivshmem).

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::OnceLock;

use iomd::{CacheMode, Direction, Errno};
use rustix::mm::{MapFlags, ProtFlags};
use rustix::process::Signal;
use rustix::thread::CapabilitySet;

use crate::support::page_tables::PageTables;
use crate::support::privileges::{become_user, enter_user_namespace, give_up};
use crate::support::{Child, End, PAGE, Region, client, signals, unique, window};

const TAG: u64 = 0x1100;

/// The device's memory.
pub struct Device {
    pub address: u64,
    length: u64,
    file: File,
}

impl Device {
    /// Where it is.
    pub fn address() -> u64 {
        static ADDRESS: OnceLock<u64> = OnceLock::new();
        *ADDRESS.get_or_init(|| Self::find().address)
    }

    fn find() -> Self {
        let devices = fs::read_dir("/sys/bus/pci/devices").expect("the guest has PCI");
        let is_ours = |path: &PathBuf| {
            let number = |name| fs::read_to_string(path.join(name)).unwrap_or_default();
            number("vendor").trim() == "0x1af4" && number("device").trim() == "0x1110"
        };
        let path = devices.map(|device| device.unwrap().path()).find(is_ours);
        let path = path.expect("run.sh gives the guest such a device");
        // Its memory is the third of its resources: first, last, flags.
        let table = fs::read_to_string(path.join("resource")).unwrap();
        let line = table.lines().nth(2).expect("six resources");
        let number = |word: &str| u64::from_str_radix(word.trim_start_matches("0x"), 16).unwrap();
        let numbers: Vec<_> = line.split(' ').map(number).collect();
        let file = File::options().read(true).write(true).open(path.join("resource2")).unwrap();
        // The device has to be told that it may answer.
        fs::write(path.join("enable"), "1").unwrap();
        Self { address: numbers[0], length: numbers[1] - numbers[0] + 1, file }
    }

    /// The kernel's own way to it, which is there while nobody has claimed it.
    fn memory(&self) -> Region {
        let rights = ProtFlags::READ | ProtFlags::WRITE;
        Region::map(&self.file, 0, self.length as usize, rights, MapFlags::SHARED).unwrap()
    }

    fn read(&self, at: usize) -> u64 {
        let memory = self.memory();
        let word = memory.read(at);
        memory.unmap().unwrap();
        word
    }

    fn write(&self, at: usize, word: u64) {
        let memory = self.memory();
        memory.write(at, word);
        memory.unmap().unwrap();
    }
}

fn make(address: u64, length: u64) -> Result<iomd::Descriptor, Errno> {
    client().physical_range(address, length, Direction::InOut).map_err(|error| error.errno())
}

#[test]
fn memory_of_a_device_is_shown() {
    let device = Device::find();
    let places = [0, PAGE, device.length as usize - 8];
    for at in places {
        device.write(at, TAG);
    }
    let memory = make(device.address, device.length).unwrap();
    assert_eq!(memory.info().unwrap().resident, device.length);
    let shown = window(&memory);
    for at in places {
        assert_eq!(shown.load_u64(at), TAG);
        shown.store_u64(at, 1);
    }
    drop((shown, memory));
    assert_eq!(places.map(|at| device.read(at)), [1; 3]);
    // Part of it, from any byte on.
    device.write(PAGE + 8, TAG);
    let memory = make(device.address + PAGE as u64 + 8, 16).unwrap();
    let map = unique(&memory);
    assert_eq!(map.info().unwrap().page_offset, 8);
    assert_eq!(map.mmap().unwrap().load_u64(8), TAG);
}

#[test]
fn remapped_it_is_the_same_and_never_a_copy() {
    let device = Device::find();
    let memory = make(device.address, PAGE as u64).unwrap();
    let shown = window(&memory);
    shown.store_u64(0, TAG);
    let client = client();
    let task = client.own_task().unwrap();
    let address = shown.as_ptr().expose_provenance() as u64;
    let remap = || client.remap(&task, address, PAGE as u64);
    let alias = Region::at(remap().run().unwrap().address as usize, PAGE);
    assert_eq!(alias.read(0), TAG);
    alias.unmap().unwrap();
    let refused = remap().copy(true).run().unwrap_err();
    assert_eq!(refused.errno(), Errno::OPNOTSUPP);
}

/// A driver that takes the memory of its device has it alone.
#[test]
fn whoever_has_it_mapped_already_loses_it() {
    let device = Device::find();
    let child = Child::fork(|parent| {
        let memory = device.memory();
        memory.write(0, TAG);
        parent.say(memory.address() as u64);
        parent.hear();
        signals::die_of(Signal::BUS);
        memory.read(0);
    });
    child.hear();
    let memory = make(device.address, PAGE as u64).unwrap();
    child.say(0);
    // Where the kernel is so strict.
    let end = child.end();
    assert!([End::Killed(Signal::BUS), End::Exited(0)].contains(&end), "{end:?}");
    assert_eq!(window(&memory).load_u64(0), TAG);
}

/// What has no pages that the kernel manages is not pinned.
#[test]
fn mappings_of_a_device_are_no_memory_of_a_task() {
    let device = Device::find();
    let memory = device.memory();
    for direction in [Direction::Out, Direction::InOut] {
        let refused = super::descriptor(memory, direction).prepare(None).unwrap_err();
        assert_eq!(refused.errno(), Errno::FAULT);
    }
    memory.unmap().unwrap();
}

/// The mode is that of the kernel's own mapping of it.
#[test]
fn memory_of_a_device_is_not_cached() {
    const PCD: u64 = 1 << 4;
    const PWT_OR_PAT: u64 = (1 << 3) | (1 << 7);
    let device = Device::find();
    let memory = make(device.address, PAGE as u64).unwrap();
    let shown = window(&memory);
    shown.load_u64(0);
    let entry = PageTables::open().entries((&shown).into())[0];
    assert_eq!(entry & (PCD | PWT_OR_PAT), PCD, "{entry:#x}");
    for mode in [CacheMode::Copyback, CacheMode::WriteCombine] {
        let refused = memory.map().cache_mode(mode).create().unwrap_err();
        assert_eq!(refused.errno(), Errno::OPNOTSUPP, "{mode}");
    }
}

#[test]
fn what_is_in_use_is_refused() {
    let device = Device::find();
    let page = PAGE as u64;
    let memory = make(device.address + page, page).unwrap();
    for (address, length) in [
        (device.address + page, page),
        (device.address, 2 * page),
        (device.address + 2 * page - 1, 1),
    ] {
        assert_eq!(make(address, length).unwrap_err(), Errno::BUSY, "{address:#x}, {length}");
    }
    make(device.address, page).unwrap();
    drop(memory);
    make(device.address, 2 * page).unwrap();

    // All that the kernel says of what it uses: RAM, and what drivers have claimed.
    let table = fs::read_to_string("/proc/iomem").unwrap();
    let mut seen = 0;
    for name in ["System RAM", "Kernel code", "IOAPIC 0", "Local APIC", "virtio-pci-modern"] {
        let lines = table.lines().filter(|line| line.ends_with(name));
        for line in lines {
            let (start, end) = line.trim().split_once(' ').unwrap().0.split_once('-').unwrap();
            let number = |word| u64::from_str_radix(word, 16).unwrap();
            let (start, end) = (number(start), number(end));
            for address in [start, end, start.saturating_sub(1)] {
                // What is just before it may be nobody's, but is in no page of its own.
                if address >= start || start % page != 0 {
                    let refused = make(address, 1).unwrap_err();
                    assert_eq!(refused, Errno::BUSY, "{address:#x}: {line}");
                }
            }
            let across = make(start.saturating_sub(page), 2 * page);
            assert_eq!(across.unwrap_err(), Errno::BUSY, "{line}");
            seen += 1;
        }
    }
    assert!(seen >= 5, "{table}");
}

#[test]
fn what_is_no_range_is_refused() {
    for (address, length, errno) in [
        (0, 0, Errno::INVAL),
        (u64::MAX, 2, Errno::OVERFLOW),
        (PAGE as u64, u64::MAX, Errno::OVERFLOW),
        // More than a processor can address.
        (1 << 60, 1, Errno::BUSY),
    ] {
        assert_eq!(make(address, length).unwrap_err(), errno, "{address:#x}, {length}");
    }
}

#[test]
fn it_takes_the_right_to_raw_memory() {
    let device = Device::find();
    let client = client();
    let ways: [fn(); 3] =
        [|| give_up(CapabilitySet::SYS_RAWIO), || become_user(5201), enter_user_namespace];
    for lose in ways {
        let child = Child::fork(|_| {
            lose();
            let made = client.physical_range(device.address, 1, Direction::Out);
            assert_eq!(made.unwrap_err().errno(), Errno::PERM);
        });
        child.succeed();
    }
}
