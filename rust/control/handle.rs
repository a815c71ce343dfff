// SPDX-License-Identifier: GPL-2.0

//! What the file descriptors of objects stand for. The calls on them are in [`super::descriptor`],
//! [`super::map`] and [`super::static_map`].

use super::{argument::Argument, check_flags, check_padding, prepare::Preparations};
use crate::{
    abi::iomd_map_reopen,
    descriptor::Descriptor,
    map::{static_map::StaticMap, Handle, Map},
    os::file::{self, Access},
    pure::options::Options,
    registry::Strong,
    suspension::HandleId,
};
use kernel::{
    fs::File,
    new_mutex,
    prelude::*,
    sync::{aref::ARef, Mutex},
    uaccess::UserPtr,
};

/// A descriptor; the file's mode is the right to it.
#[pin_data(PinnedDrop)]
pub(super) struct DescriptorFile {
    descriptor: Strong<Descriptor>,
    id: HandleId,
    #[pin]
    preparations: Mutex<Preparations>,
}

impl DescriptorFile {
    /// A file of a descriptor. `ENFILE`, `ENOMEM`.
    pub(super) fn open(descriptor: Strong<Descriptor>, access: Access) -> Result<ARef<File>> {
        let object = try_pin_init!(Self {
            descriptor,
            id: HandleId::new()?,
            preparations <- new_mutex!(Preparations::none(), "iomd_file_preparations"),
        }? Error);

        file::open(object, access)
    }

    /// What was prepared through it, and not completed.
    pub(super) fn preparations(&self) -> &Mutex<Preparations> {
        &self.preparations
    }

    /// What owns the suspensions that are made through it.
    pub(super) fn id(&self) -> HandleId {
        self.id
    }

    /// Whether a file with that access to it is the right to write the memory.
    pub(super) fn may_write(&self, access: Access) -> bool {
        access.is_writable() && self.descriptor.is_writable()
    }

    pub(super) fn descriptor(&self) -> &Strong<Descriptor> {
        &self.descriptor
    }
}

#[pinned_drop]
impl PinnedDrop for DescriptorFile {
    fn drop(self: Pin<&mut Self>) {
        self.descriptor.abandon(self.id);
    }
}

/// A handle of a map.
pub(super) struct MapFile {
    handle: Handle,
}

impl MapFile {
    /// A file of a map, with the map's rights. `ENFILE`, `ENOMEM`.
    pub(super) fn open(map: Strong<Map>) -> Result<ARef<File>> {
        Self::of(Handle::new(map)?)
    }

    /// The file of a handle. `ENFILE`, `ENOMEM`.
    pub(super) fn of(handle: Handle) -> Result<ARef<File>> {
        let access = access_of(handle.options());

        file::open(Self { handle }, access)
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    pub(super) fn map(&self) -> &Strong<Map> {
        &self.handle
    }
}

/// A sub-map, or a mapping that was recorded.
pub(super) struct StaticMapFile(Strong<StaticMap>);

impl StaticMapFile {
    /// A file of a Static map. `ENFILE`, `ENOMEM`.
    pub(super) fn open(static_map: Strong<StaticMap>) -> Result<ARef<File>> {
        let access = access_of(static_map.options());

        file::open(Self(static_map), access)
    }

    pub(super) fn map(&self) -> &Strong<StaticMap> {
        &self.0
    }
}

/// IOMD_MAP_REOPEN, for maps of both kinds: `open` makes the new file.
pub(super) fn reopen(
    argument: UserPtr,
    open: impl FnOnce() -> Result<ARef<File>>,
) -> Result<isize> {
    let argument = Argument::<iomd_map_reopen>::read_to_answer(argument)?;

    check_flags(argument.value.flags, 0)?;
    check_padding(argument.value.padding)?;
    argument.answer_with_file(open()?, |reopen, fd| reopen.fd = fd)
}

/// What a file of a map may do.
fn access_of(options: Options) -> Access {
    if options.is_read_only() {
        Access::Read
    } else {
        Access::ReadWrite
    }
}
