// SPDX-License-Identifier: GPL-2.0

//! Pages that iomd allocated, for who uses them.

use crate::{
    os::{
        big_reader_lock::{BigReaderLock, ReadGuard},
        folio::Folio,
        page_array::PageArray,
        pages::PageRef,
    },
    pure::cache::CacheMode,
};
use kernel::prelude::*;

/// Where they are kept: `None` while they are taken away.
pub(crate) type Contents = Option<Pin<KBox<PageArray>>>;

/// Such pages, none of which is taken away as long as this is there.
pub(crate) struct OwnPages<'a>(ReadGuard<'a, Contents>);

impl<'a> OwnPages<'a> {
    /// Those that are kept there. Waits while they are just being taken away.
    pub(super) fn of(contents: &'a BigReaderLock<Contents>) -> Self {
        Self(contents.read())
    }

    /// Those that are kept there, but for that moment.
    #[inline]
    pub(super) fn try_of(contents: &'a BigReaderLock<Contents>) -> Option<Self> {
        contents.try_read().map(Self)
    }

    /// `ENODATA` if they were taken away.
    pub(super) fn array(&self) -> Result<&PageArray> {
        self.0.as_deref().ok_or(ENODATA)
    }

    /// The page at `index`, if it is found at once, and its entry is to be one for a page that holds it
    /// and can be written.
    #[inline]
    pub(crate) fn single(&self, index: usize) -> Option<PageRef<'_>> {
        self.plain()?.single(index)
    }

    /// As [`OwnPages::single`], the first page of the piece that begins at `index`.
    #[inline]
    pub(crate) fn piece(&self, index: usize) -> Option<PageRef<'_>> {
        self.plain()?.piece(index)
    }

    #[inline]
    fn plain(&self) -> Option<&PageArray> {
        self.0.as_deref().filter(|array| array.is_plain())
    }

    /// As [`PageArray::set_cache_mode`]; `ENODATA` if they were taken away.
    pub(super) fn set_cache_mode(&self, mode: CacheMode) -> Result {
        self.array()?.set_cache_mode(mode)
    }

    /// As [`PageArray::restore_cache_mode`].
    pub(super) fn restore_cache_mode(&self) {
        if let Some(array) = &*self.0 {
            array.restore_cache_mode();
        }
    }

    /// The page at `index`, if it has memory.
    pub(super) fn get(&self, index: usize) -> Option<PageRef<'_>> {
        self.0.as_ref()?.get(index)
    }

    /// As [`PageArray::held`].
    pub(super) fn held(&self, index: usize, last: usize) -> Option<(usize, usize)> {
        self.0.as_ref()?.held(index, last)
    }

    /// As [`PageArray::insert`]; `ENODATA` if they were taken away.
    pub(super) fn insert(&self, index: usize, folio: Folio) -> Result {
        self.array()?.insert(index, folio)
    }

    /// As [`PageArray::set_copied`].
    pub(super) fn set_copied(&self, copied: bool) {
        if let Some(array) = &*self.0 {
            array.set_copied(copied);
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.as_ref().map_or(0, |array| array.count())
    }

    /// Whether the page at `index` has memory.
    pub(super) fn has(&self, index: usize) -> bool {
        self.0
            .as_ref()
            .is_some_and(|array| array.get(index).is_some())
    }
}
