// SPDX-License-Identifier: GPL-2.0

//! iomd: memory as an object, mapped into any task, whose backing can be switched under a live
//! mapping.
//!
//! Calls go one way:
//!
//! - [`control`] takes system calls on the four kinds of files (client, descriptor, map, task),
//!   checks what user space said, and calls
//! - [`remap`], memory of a task in another place as well,
//! - [`task`], address spaces that are mapped into,
//! - [`map`], the mappable object with its faults and its switch, which shows parts of a
//! - [`descriptor`], memory, which knows maps only as observers;
//! - [`suspension`] is what holds up accesses to either;
//! - [`registry`] gives all objects ids and says how long they live;
//! - [`pure`] holds the rules that need no kernel;
//! - [`os`] wraps what the `kernel` crate lacks, and is the only place with `unsafe` code.

#[allow(unreachable_pub)]
mod abi;
mod control;
mod descriptor;
mod map;
mod os;
// A crate of its own on the host, with everything public.
#[allow(unreachable_pub)]
mod pure;
mod registry;
mod remap;
mod suspension;
mod task;

use control::{client::Client, debugfs};
use descriptor::purge::Purging;
use kernel::{
    miscdevice::{MiscDeviceOptions, MiscDeviceRegistration},
    prelude::*,
};
use os::{debugfs::Directory, global::Loading};

module! {
    type: IomdModule,
    name: "iomd",
    authors: ["The iomd developers"],
    description: "Memory objects with redirectable mappings",
    license: "GPL v2",
    imports_ns: ["DMA_BUF"],
}

#[pin_data]
struct IomdModule {
    #[pin]
    _device: MiscDeviceRegistration<Client>,
    _debugfs: Directory,
    _purging: Purging,
}

impl kernel::InPlaceModule for IomdModule {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        let loading = Loading::new(module);
        descriptor::init_registry(&loading);
        map::init_registry(&loading);
        map::static_map::init_registry(&loading);
        task::init_registry(&loading);

        try_pin_init!(Self {
            _purging: Purging::start(&loading)?,
            _device <- MiscDeviceRegistration::register(MiscDeviceOptions { name: c"iomd" }),
            _debugfs: debugfs::directory(),
        })
    }
}
