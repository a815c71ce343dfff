// SPDX-License-Identifier: GPL-2.0

//! A copy whose pages come when one of the two sides touches them.

use super::{
    share::kept_map,
    source::{Memory, Piece},
    Remap,
};
use crate::{
    descriptor::{lazy_copy::LazyCopy, prepared::Purpose, Part},
    map::Map,
    pure::{
        range::{PageRange, PAGE_SIZE},
        remap::Inheritance,
    },
    registry::Strong,
};
use kernel::prelude::*;

impl Remap<'_> {
    /// A map of a lazy copy of a piece; `None` if it is to be copied at once: it is no map of memory that
    /// was made for that, a child is to get a copy of its own, or there is something in the way of the
    /// lazy one.
    ///
    /// `EIO` for a map that has ended; `ETIMEDOUT`, `EINTR`, `ENOMEM`.
    pub(super) fn lazily(&self, piece: &Piece) -> Result<Option<Strong<Map>>> {
        let Memory::Map(subject, first) = &piece.memory else {
            return Ok(None);
        };
        if self.inheritance == Inheritance::Copy {
            return Ok(None);
        }
        let pages = PageRange::new(*first, piece.length / PAGE_SIZE as usize).ok_or(EIO)?;
        let source = self.source_task.address_space();
        let shown = |part: &Part| {
            let range = part.range().slice(pages.start(), pages.pages());
            Ok((part.descriptor().clone(), range.ok_or(EIO)?))
        };

        loop {
            let map = subject.map();
            let (descriptor, range) = map.when_reached(source, pages, self.deadline, shown)?;
            let Ok(Some(copy)) = LazyCopy::new(&descriptor, range) else {
                return Ok(None);
            };
            // If it shows other memory by now, this is not to be copied.
            let taken = map.when_reached(source, pages, self.deadline, |part| {
                let (now, range_now) = shown(part)?;
                let is_same = now.is_same(&descriptor) && range_now == range;
                Ok(is_same.then(|| copy.take()))
            })?;
            let Some(taken) = taken else {
                continue;
            };
            if taken.and_then(|()| copy.fetch_held()).is_err() {
                return Ok(None);
            }
            return kept_map(&copy.into_descriptor()?, Purpose::Touch).map(Some);
        }
    }
}
