// SPDX-License-Identifier: MIT OR Apache-2.0

//! The client: an open file of the device.

use std::os::fd::OwnedFd;
use std::path::Path;

use iomd_sys as sys;
use rustix::fs::{Mode, OFlags};

use crate::call::{Argument, call, received};
use crate::error::Asked;
use crate::handle::handle;
use crate::mapping::{Place, Placement};
use crate::{
    Access, AnyObject, Batch, BufferFlags, Descriptor, Error, Features, Kind, Map, Mapping,
    Objects, RemapBuilder, Request, Result, Task, task,
};

/// Where the device is.
pub const DEVICE: &str = "/dev/iomd";

/// An open file of the device: the start of everything.
#[derive(Debug)]
pub struct Client(OwnedFd);

handle!(Client);

impl Client {
    /// Opens the device.
    ///
    /// # Errors
    ///
    /// `ENOENT` where the module is not loaded; `EACCES` for who is neither root nor in the group
    /// `iomd`.
    pub fn open() -> Result<Self> {
        Self::open_at(DEVICE)
    }

    /// Opens the device at another path.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_at(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        rustix::fs::open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
            .map(Self)
            .asked(|| Request::OpenDevice { path: path.into() })
    }

    /// What the kernel's iomd can do.
    ///
    /// # Errors
    ///
    /// `ENOTTY` if the file is not a client.
    pub fn features(&self) -> Result<Features> {
        call(self, sys::iomd_features::sized()).map(Into::into).asked(|| Request::Features)
    }

    /// The calling process as a task: the right to map into its address space, which can be handed
    /// to other processes (`mach_task_self`).
    ///
    /// # Errors
    ///
    /// `EMFILE`.
    pub fn own_task(&self) -> Result<Task> {
        task::open_own(self)
    }

    /// The right to map into the address space of a process, named by its number.
    ///
    /// # Errors
    ///
    /// `EPERM` without `CAP_SYS_PTRACE` in the initial user namespace; `ESRCH` if there is no such
    /// process, or not any more; `EMFILE`.
    pub fn task(&self, pid: i32) -> Result<Task> {
        task::open_process(self, pid)
    }

    /// Prepares to map what a task has at some addresses in another place as well, in the same task or
    /// in another (`mach_vm_remap`): `length` bytes, rounded up to whole pages, from the page on in which
    /// `address` is.
    ///
    /// It is the same memory: what either side writes the other sees, whatever becomes of the source's
    /// own mapping, until the source discards a page (`MADV_DONTNEED`).
    pub fn remap<'a>(&'a self, source: &'a Task, address: u64, length: u64) -> RemapBuilder<'a> {
        RemapBuilder::new(self, source, address, length)
    }

    /// Makes `length` bytes of zeroed memory, all of it at once (`IOBufferMemoryDescriptor::withOptions`).
    ///
    /// # Errors
    ///
    /// `EINVAL` if `length` is 0; `EOVERFLOW` if it is too large; `ENOMEM` beyond the limit on
    /// locked memory or the memory cgroup's; `EINTR` if killed meanwhile; `EMFILE`.
    pub fn buffer(&self, length: u64) -> Result<Descriptor> {
        self.buffer_with(length, BufferFlags::empty())
    }

    /// Makes `length` bytes of zeroed memory; each page comes when it is first touched. A page that cannot be had then is a `SIGBUS` for who touches it
    /// (`IOBufferMemoryDescriptor::withOptions` with `kIOMemoryPageable`).
    ///
    /// # Errors
    ///
    /// As [`buffer`](Self::buffer).
    pub fn sparse_buffer(&self, length: u64) -> Result<Descriptor> {
        self.buffer_with(length, BufferFlags::SPARSE)
    }

    /// Makes `length` bytes of zeroed memory, rounded up to whole pages, as the flags say
    /// (`IOBufferMemoryDescriptor::withOptions`).
    ///
    /// With [`LARGE`](BufferFlags::LARGE) mappings take fewer page faults and page-table entries, if they
    /// are where [`Map::mmap`] puts them. With [`SPARSE`](BufferFlags::SPARSE) besides, the first touch
    /// brings a whole piece.
    ///
    /// With [`GUARDED`](BufferFlags::GUARDED) its maps have guards, a page on each side, or larger ones
    /// if they ask for them (`inTaskWithGuardPages`).
    ///
    /// With [`LAZY_COPY`](BufferFlags::LAZY_COPY) a copy of a mapping of it
    /// ([`RemapBuilder::copy`]) is made at once, and takes each page when one of the two sides touches it.
    ///
    /// # Errors
    ///
    /// As [`buffer`](Self::buffer); `EINVAL` for flags that do not go together:
    /// [`CONTIGUOUS`](BufferFlags::CONTIGUOUS) is neither sparse nor large, and
    /// [`LAZY_COPY`](BufferFlags::LAZY_COPY) neither large nor contiguous; `EOPNOTSUPP` for more
    /// than 4 MiB together; `ENOMEM` also if there is nowhere so much together.
    pub fn buffer_with(&self, length: u64, flags: BufferFlags) -> Result<Descriptor> {
        let argument = sys::iomd_buffer_create {
            // The flags of this call are the low half of what the features have room for.
            flags: flags.bits() as u32,
            length,
            ..Argument::sized()
        };
        let created = call(self, argument).asked(|| Request::CreateBuffer { length })?;
        // SAFETY: the call has succeeded.
        Ok(unsafe { received(created.fd) }.into())
    }

    /// Prepares to switch the memory behind several maps as one. The builder is told which.
    pub fn batch(&self) -> Batch<'_> {
        Batch::new(self)
    }

    /// All objects in the system, by rising ids. Objects may come and go meanwhile.
    ///
    /// # Errors
    ///
    /// The one item of the iterator is `EPERM` without `CAP_SYS_ADMIN`.
    pub fn objects(&self) -> Objects<'_> {
        Objects::new(self)
    }

    /// Opens a descriptor by its id.
    ///
    /// # Errors
    ///
    /// `EPERM` without `CAP_SYS_ADMIN`; `ENOENT` if there is no such object; `EINVAL` if it is a
    /// map.
    pub fn open_descriptor(&self, id: u64, access: Access) -> Result<Descriptor> {
        match self.open_object_as(id, access)? {
            AnyObject::Descriptor(descriptor) => Ok(descriptor),
            AnyObject::Map(_) => {
                Err(Error::OtherKind { id, expected: "descriptor", found: Kind::Map })
            }
        }
    }

    /// Opens a map by its id.
    ///
    /// # Errors
    ///
    /// `EPERM` without `CAP_SYS_ADMIN`; `ENOENT` if there is no such object; `EINVAL` if it is a
    /// descriptor.
    pub fn open_map(&self, id: u64) -> Result<Map> {
        match self.open_object(id)? {
            AnyObject::Map(map) => Ok(map),
            AnyObject::Descriptor(descriptor) => {
                let found = descriptor.info()?.kind;
                Err(Error::OtherKind { id, expected: "map", found })
            }
        }
    }

    /// Opens an object of any kind by its id, with all rights.
    ///
    /// # Errors
    ///
    /// `EPERM` without `CAP_SYS_ADMIN`; `ENOENT` if there is no such object.
    pub fn open_object(&self, id: u64) -> Result<AnyObject> {
        self.open_object_as(id, Access::ReadWrite)
    }

    fn open_object_as(&self, id: u64, access: Access) -> Result<AnyObject> {
        let argument = sys::iomd_object_open { flags: access.flags(), id, ..Argument::sized() };
        let opened = call(self, argument).asked(|| Request::OpenObject { id })?;
        // SAFETY: the call has succeeded.
        let fd = unsafe { received(opened.fd) };
        Ok(match Kind::from(opened.kind) {
            Kind::Map => AnyObject::Map(fd.into()),
            _ => AnyObject::Descriptor(fd.into()),
        })
    }

    /// Maps `length` bytes of fresh, zeroed memory, rounded up to whole pages, that no other request
    /// shares and that may be redirected: mmap(2) on the client itself. Its map has no file
    /// descriptor, but has an id.
    ///
    /// Each page is charged when it is first touched; one that cannot be had is a `SIGBUS`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `length` is 0; `ENOMEM` if there is no room in the address space.
    pub fn map_fresh(&self, length: usize) -> Result<Mapping> {
        let placement = Placement {
            place: Place::Anywhere,
            offset: 0,
            length,
            read_only: false,
            prefault: false,
            guard: 0,
        };
        // SAFETY: it is not over others.
        unsafe { Mapping::new(self, placement) }.asked(|| Request::MapFresh { length })
    }
}
