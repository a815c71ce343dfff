// SPDX-License-Identifier: GPL-2.0

//! Memory of a file: the pages that a memfd had when it was imported. They stay the descriptor's when
//! the file is shrunk or punched; what the file has in their place later is other memory.

use super::{
    extents::Extents,
    memory::{Facts, ForeignContents, Kind, Leaf, Store},
    pinned::Pinned,
    Descriptor,
};
use crate::{
    abi::IOMD_KIND_MEMFD,
    os::{
        account::Account,
        memory_file::MemoryFile,
        rwsem::{new_rw_semaphore, RwSemaphore},
    },
    pure::{direction::Direction, range::AddressRange},
    registry::Strong,
};
use kernel::{prelude::*, sync::Arc};

const KIND: Kind = Kind {
    number: IOMD_KIND_MEMFD,
    name: c"memfd",
};

/// Which memory it is.
pub(crate) struct FileRange {
    pub(crate) file: MemoryFile,
    pub(crate) range: AddressRange,
    pub(crate) direction: Direction,
}

#[pin_data]
struct Memfd {
    source: Arc<FileRange>,
    /// Never taken away.
    #[pin]
    contents: RwSemaphore<ForeignContents>,
}

impl Descriptor {
    /// Memory of a file, pinned on the current task's account.
    ///
    /// `ERANGE` if the file is shorter, `EPERM` if it is sealed against being written; `EOVERFLOW`;
    /// `ENOMEM`; `EINTR` if the task is killed.
    pub(crate) fn new_memfd(source: Arc<FileRange>) -> Result<Strong<Self>> {
        let account = Arc::new(Account::of_current()?, GFP_KERNEL_ACCOUNT)?;
        let pinned = source.pin(&account)?;

        Self::with_pages(source, &account, pinned)
    }

    fn with_pages(
        source: Arc<FileRange>,
        account: &Arc<Account>,
        pinned: KBox<Pinned>,
    ) -> Result<Strong<Self>> {
        let facts = Facts {
            kind: &KIND,
            extents: Extents::new(source.range.head(), source.range.length())?,
            writable: source.direction.writes(),
            sparse: false,
            user_id: account.user_id(),
        };
        let contents: ForeignContents = Some(pinned);
        let leaf = Arc::pin_init(
            pin_init!(Memfd {
                source,
                contents <- new_rw_semaphore!(contents, "iomd_memfd"),
            }),
            GFP_KERNEL_ACCOUNT,
        )?;

        Self::new(facts, leaf)
    }
}

impl FileRange {
    fn pin(&self, account: &Arc<Account>) -> Result<KBox<Pinned>> {
        let range = self.range;
        if range.end() > self.file.length() {
            return Err(ERANGE);
        }
        let pinned = Pinned::new(account, range.pages(), self.direction.writes(), |pins| {
            pins.add_file(&self.file, range.page_number(), range.pages())
        })?;

        Ok(KBox::new(pinned, GFP_KERNEL_ACCOUNT)?)
    }
}

impl Leaf for Memfd {
    fn store(&self) -> Store<'_> {
        Store::Foreign(&self.contents)
    }

    fn direction(&self) -> Option<Direction> {
        Some(self.source.direction)
    }

    fn renewed(&self) -> Result<Option<Strong<Descriptor>>> {
        let account = Arc::new(Account::of_current()?, GFP_KERNEL_ACCOUNT)?;
        let now = self.source.pin(&account)?;
        let is_same = {
            let before = self.contents.read();
            before.as_ref().is_none_or(|before| now.is_same(&**before))
        };

        if is_same {
            return Ok(None);
        }
        Descriptor::with_pages(self.source.clone(), &account, now).map(Some)
    }
}
