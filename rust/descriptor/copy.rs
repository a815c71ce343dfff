// SPDX-License-Identifier: GPL-2.0

//! Atomic copies of memory in use.
//!
//! The copy claims its two ranges first. The set of observers that can write the source then only
//! shrinks, so that it can be collected and locked in the order of ids. All of them are suspended,
//! then all are zapped, and only then is the first byte copied: what is copied is one moment of the
//! memory, whichever map it is written through.
//!
//! Everything that can fail comes before the first byte is copied.

use super::{
    observer::{Claimed, LockedObserver, Observer, Use},
    reserve::Reserve,
    Descriptor, Part,
};
use crate::{
    os::{pages::Page, task},
    pure::range::PageRange,
    registry::Strong,
};
use kernel::{
    prelude::*,
    sync::Arc,
    time::{Instant, Monotonic},
};

/// What to copy, and how.
pub(crate) struct Copy<'a> {
    pub(crate) source: &'a Strong<Descriptor>,
    pub(crate) source_range: PageRange,
    pub(crate) target: &'a Strong<Descriptor>,
    /// As many pages.
    pub(crate) target_range: PageRange,
    /// Pinned pages make it fail.
    pub(crate) refuse_pinned: bool,
    /// The observers go on on the target.
    pub(crate) resume_on_target: bool,
}

/// What came of it.
pub(crate) struct Copied {
    /// Source pages that someone held, and may have written meanwhile.
    pub(crate) pinned: usize,
    /// Observers that were suspended.
    pub(crate) suspended: usize,
    /// For how long.
    pub(crate) pause_ns: i64,
}

/// An observer that takes part, and where it goes on.
struct Participant<'a> {
    observer: KBox<dyn LockedObserver + 'a>,
    next: Option<Part>,
}

impl Copy<'_> {
    /// `EINVAL` if the ranges overlap; `ENODATA` if the memory of either was taken away; `EBUSY` if another copy uses one of them, or a page is
    /// pinned; `EPERM` for a sealed observer; `EPERM`, `ERANGE` if one cannot go on on the target; `ENOMEM`; `EINTR` if
    /// the task is killed, which can leave the target half-written.
    pub(crate) fn run(&self) -> Result<Copied> {
        if self.source.is_same(self.target) && self.source_range.overlaps(self.target_range) {
            return Err(EINVAL);
        }
        let _source = Claimed::new(self.source, self.source_range, Use::Source)?;
        let _target = Claimed::new(self.target, self.target_range, Use::Target)?;
        // From here on nobody takes it away.
        for descriptor in [self.source, self.target] {
            if descriptor.leaf.store().pages().are_gone() {
                return Err(ENODATA);
            }
        }

        let outer = self.source.copying.lock()?;
        let observers = self.source.observers.lock().of(self.source_range)?;
        // Before the participants, so that on an error they resume before it is freed.
        let mut reserve = self.target.buffer().map(Reserve::new);
        let mut participants = KVVec::new();
        for observer in observers.values() {
            if let Some(participant) = self.participant(observer, observer.lock(&outer)?)? {
                participants.push(participant, GFP_KERNEL)?;
            }
        }

        // Most of it now, so that little is left to do while everybody waits.
        if let Some(reserve) = &mut reserve {
            self.fill(reserve)?;
        }
        let began = Instant::<Monotonic>::now();
        let mut suspended = 0;
        for participant in &mut participants {
            suspended += usize::from(participant.observer.suspend());
        }
        for participant in &mut participants {
            participant.observer.zap();
        }
        // From here on an error resumes them all, as they were, when `participants` is dropped.
        let pinned = self.source.held_pages(self.source_range)?;
        if self.refuse_pinned && pinned != 0 {
            return Err(EBUSY);
        }
        // Again, for what was touched first meanwhile. A page that comes later can only have been
        // read, through a new read-only map, and is zeros like a page that is not there.
        if let Some(mut reserve) = reserve {
            reserve.rewind();
            self.fill(&mut reserve)?;
            reserve.commit()?;
        }
        self.copy_pages()?;
        for participant in &mut participants {
            let next = participant.next.take();
            participant.observer.resume(next);
        }

        Ok(Copied {
            pinned,
            suspended,
            pause_ns: began.elapsed().as_nanos(),
        })
    }

    /// An observer that still shows some of the source; with where it goes on, if it is to.
    fn participant<'a>(
        &self,
        observer: &Arc<dyn Observer>,
        locked: KBox<dyn LockedObserver + 'a>,
    ) -> Result<Option<Participant<'a>>> {
        // Between the list and the lock it can have been redirected, or ended.
        let Some(shown) = locked
            .shown(self.source)
            .filter(|shown| shown.overlaps(self.source_range))
        else {
            return Ok(None);
        };
        if locked.is_sealed() {
            // Through a read-only map nobody can write what is copied: who may only read must not
            // be able to keep others from copying.
            if !locked.is_writable() && !self.resume_on_target {
                return Ok(None);
            }
            return Err(EPERM);
        }
        // What was suspended before stays so, and where it is.
        let next = if self.resume_on_target && locked.passes() {
            if !locked.is_redirectable() {
                return Err(EPERM);
            }
            let before = shown.inside(self.source_range).ok_or(ERANGE)?;
            let range = self
                .target_range
                .slice(before, shown.pages())
                .ok_or(ERANGE)?;
            Some(Part::observe(
                self.target,
                range,
                locked.is_writable(),
                // They move together, and so must not depend on who is first.
                Some(self.source.cache_mode()),
                observer.clone(),
            )?)
        } else {
            None
        };
        Ok(Some(Participant {
            observer: locked,
            next,
        }))
    }

    /// Sets a page aside for the target wherever the source has one.
    fn fill(&self, reserve: &mut Reserve<'_>) -> Result {
        each_page(
            self.source,
            self.source_range,
            self.target_range,
            |_, index| reserve.add(index),
        )
    }

    /// Makes the target's bytes those of the source, where a page without memory is zeros.
    fn copy_pages(&self) -> Result {
        each_page(
            self.target,
            self.target_range,
            self.source_range,
            |page, index| {
                match self.source.leaf.store().pages().get(index) {
                    Some(from) => page.copy_from(&from),
                    None => page.clear(),
                }
                Ok(())
            },
        )
    }
}

/// Calls `work` with each page of `range` that has memory, and the index of its counterpart in
/// `other`. `EINTR` if the task is killed.
fn each_page(
    descriptor: &Descriptor,
    range: PageRange,
    other: PageRange,
    mut work: impl FnMut(&Page, usize) -> Result,
) -> Result {
    let mut next = Some(range.start());

    while let Some(start) = next {
        // A reference of our own: the pages of one memory at a time.
        let Some((index, page)) = descriptor
            .leaf
            .store()
            .pages()
            .next(start, range.last())
            .map(|(index, page)| (index, page.share()))
        else {
            break;
        };
        work(&page, other.nth(index - range.start()).ok_or(ERANGE)?)?;
        if task::is_killed() {
            return Err(EINTR);
        }
        task::yield_if_needed();
        next = index.checked_add(1).filter(|&index| index <= range.last());
    }
    Ok(())
}
