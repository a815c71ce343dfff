// SPDX-License-Identifier: GPL-2.0

//! What the file descriptors of objects stand for. The calls on them are in [`super::descriptor`]
//! and [`super::map`].

use crate::{
    descriptor::Descriptor,
    map::{Handle, Map},
    os::file::{self, Access},
    registry::Strong,
    suspension::HandleId,
};
use kernel::{fs::File, prelude::*, sync::aref::ARef};

/// A descriptor; the file's mode is the right to it.
pub(super) struct DescriptorFile {
    descriptor: Strong<Descriptor>,
    id: HandleId,
}

impl DescriptorFile {
    /// A file of a descriptor. `ENFILE`, `ENOMEM`.
    pub(super) fn open(descriptor: Strong<Descriptor>, access: Access) -> Result<ARef<File>> {
        file::open(
            Self {
                descriptor,
                id: HandleId::new(),
            },
            access,
        )
    }

    /// What owns the suspensions that are made through it.
    pub(super) fn id(&self) -> HandleId {
        self.id
    }

    pub(super) fn descriptor(&self) -> &Strong<Descriptor> {
        &self.descriptor
    }
}

impl Drop for DescriptorFile {
    fn drop(&mut self) {
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
        let access = if map.options().is_read_only() {
            Access::Read
        } else {
            Access::ReadWrite
        };

        file::open(
            Self {
                handle: Handle::new(map),
            },
            access,
        )
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    pub(super) fn map(&self) -> &Strong<Map> {
        &self.handle
    }
}
