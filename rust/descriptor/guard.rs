// SPDX-License-Identifier: GPL-2.0

//! Pages that nobody can access (IOGuardPageMemoryDescriptor), between those of others.

use super::{
    extents::Extents,
    memory::{Facts, Kind, Leaf, Store},
    Descriptor,
};
use crate::{abi::IOMD_KIND_GUARD, os::account::Account, registry::Strong};
use kernel::{prelude::*, sync::Arc};

const KIND: Kind = Kind {
    number: IOMD_KIND_GUARD,
    name: c"guard",
};

struct Guard;

impl Leaf for Guard {
    fn store(&self) -> Store<'_> {
        Store::Nothing
    }
}

impl Descriptor {
    /// So many bytes that nobody can access. `EINVAL`, `EOVERFLOW`, `ENOMEM`.
    pub(crate) fn new_guard(length: u64) -> Result<Strong<Self>> {
        let facts = Facts {
            kind: &KIND,
            extents: Extents::new(0, length)?,
            writable: true,
            sparse: false,
            user_id: Account::of_current()?.user_id(),
        };

        Self::new(facts, Arc::new(Guard, GFP_KERNEL_ACCOUNT)?)
    }
}
