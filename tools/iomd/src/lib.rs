// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory as objects, whose backing can be switched while it is in use.
//!
//! Objects are file descriptors. A [`Client`] is an open file of `/dev/iomd`. It makes
//! [`Descriptor`]s, which are memory. A descriptor makes [`Map`]s: that memory as one object, which
//! any number of processes map with [`Map::mmap`]. [`Map::redirect`] then switches the memory behind
//! all those mappings at once; who touches them meanwhile waits instead of crashing.
//! [`Client::batch`] does so with several maps as one, and [`Map::suspend_with`] holds up who touches a
//! map until further notice; [`Map::waits`] tells who is, so that memory can be brought in on demand.
//! [`Descriptor::suspend_with`] does it with all maps of a memory, and [`Map::seal`] keeps others from it.
//! [`Descriptor::copy_to`] copies memory in use at a single instant, and [`Descriptor::set_purgeable`]
//! lets the kernel take memory that can be made again. [`Map::map_into`] maps into other processes, and
//! [`Client::remap`] what they have already. [`Descriptor::read_bytes`] needs no map.
//!
//! ```no_run
//! fn main() -> iomd::Result<()> {
//!     let client = iomd::Client::open()?;
//!     let [old, new] = [client.buffer(1 << 20)?, client.buffer(1 << 20)?];
//!     let map = old.map().unique(true).create()?;
//!     let memory = map.mmap()?;
//!
//!     memory.store_u64(0, 42);
//!     old.copy_to(&new).resume_on_target(true).run()?;
//!     assert_eq!(memory.load_u64(0), 42); // the same address, but other memory
//!     Ok(())
//! }
//! ```
//!
//! An object is closed when its last file descriptor is. To let another process use one, pass its
//! file descriptor on over a socket; every type here is made from an [`OwnedFd`] and turns into one.
//!
//! [`OwnedFd`]: std::os::fd::OwnedFd

mod batch;
mod bytes;
mod call;
mod client;
mod composite;
mod copy;
mod deadline;
mod descriptor;
mod dma_buf;
mod error;
mod features;
mod foreign;
mod handle;
mod map;
mod map_builder;
mod map_in_task;
mod map_into;
mod map_options;
mod mapped;
mod mapping;
mod object;
mod processor_cache;
mod purge;
mod redirect;
mod remap;
mod request;
mod suspend;
mod task;
mod wait;

pub use batch::Batch;
pub use client::{Client, DEVICE};
pub use copy::{Copied, CopyBuilder};
pub use deadline::Deadline;
pub use descriptor::{Descriptor, DescriptorInfo, PageCounts};
pub use error::{Error, Result};
pub use features::{
    BufferFlags, CopyFlags, Features, IntoTaskFlags, MapFlags, RedirectFlags, RemapFlags, SubFlags,
    VmFlags,
};
pub use foreign::{AddressRange, Direction};
pub use map::{Map, MapInfo, MmapOptions, Segment};
pub use map_builder::MapBuilder;
pub use map_in_task::MapInTaskBuilder;
pub use map_into::MapIntoBuilder;
pub use map_options::{CacheMode, Guards, Inheritance, MapOptions};
pub use mapping::Mapping;
pub use object::{Access, AnyObject, Kind, Object, Objects};
pub use processor_cache::Operation;
pub use purge::Purgeable;
pub use redirect::{RedirectBuilder, Redirected};
pub use remap::{Protection, RemapBuilder, Remapped};
pub use request::Request;
pub use rustix::io::Errno;
pub use suspend::{IfAbandoned, SuspendBuilder};
pub use task::Task;
pub use wait::Wait;
