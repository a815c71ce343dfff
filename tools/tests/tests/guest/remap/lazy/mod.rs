// SPDX-License-Identifier: MIT OR Apache-2.0

//! Copies of memory that was made for it, which take each page when one of the two sides touches it.

mod apart;
mod at_once;
mod ends;
mod held;
mod injected;
mod kernel;
mod moment;
mod pages;
mod several;
mod switches;
mod without;

use iomd::{Access, BufferFlags, Descriptor};
use rustix::process::getpid;

use super::{Own, TAG, assert_apart, assert_painted, place, unmap};
use crate::support::{PAGE, Region, client, paint, proc, unique_shared};

/// Memory made to be copied so, of so many pages, each of which begins with [`TAG`] plus its number.
fn memory(pages: usize) -> Descriptor {
    let memory = made_for_it(pages, BufferFlags::empty());
    paint(&memory, TAG);
    memory
}

fn made_for_it(pages: usize, others: BufferFlags) -> Descriptor {
    let length = (pages * PAGE) as u64;
    client().buffer_with(length, BufferFlags::LAZY_COPY | others).expect("a buffer is made")
}

/// A mapping of it that lives as long as it is mapped.
fn mapped(memory: &Descriptor) -> Region {
    let map = memory.map().keep(true).inheritance(iomd::Inheritance::Share).create();
    map.expect("a map is made").mmap().expect("it is mapped").into()
}

/// The id of the map that is mapped there, if one of iomd's is.
fn shown_id(region: Region) -> Option<u64> {
    let all = proc::mappings(getpid());
    let there = all.iter().find(|mapping| mapping.addresses.contains(&region.address()));
    let name = &there.expect("it is mapped").name;
    let number = name.split_once("[iomd-map:")?.1.split_once(']').expect("a number").0;
    Some(number.parse().expect("a number"))
}

/// The descriptor of what that map shows.
fn shown(region: Region) -> Option<Descriptor> {
    let map = client().open_map(shown_id(region)?).expect("root may open it");
    let descriptor = map.info().expect("a map tells about itself").descriptor_id;
    Some(client().open_descriptor(descriptor, Access::ReadOnly).expect("root may open it"))
}

/// How many pages a lazy copy has taken already.
#[track_caller]
fn taken(copy: Region) -> u64 {
    let copy = shown(copy).expect("it is a lazy copy");
    copy.info().expect("a descriptor tells about itself").resident / PAGE as u64
}

/// Whether all was copied at once.
fn was_at_once(copy: Region) -> bool {
    shown(copy).is_none()
}
