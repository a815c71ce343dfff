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
    few::Few,
    levels::{Levels, Shown},
    observer::{LockedObserver, Observer},
    observers::{ById, Claimed, Use},
    prepared::{Prepared, Purpose},
    reserve::Reserve,
    transfer::Transfer,
    Descriptor, Part,
};
use crate::{
    pure::{cache::CacheMode, extents::Span},
    registry::Strong,
};
use kernel::{
    prelude::*,
    rbtree::RBTree,
    sync::Arc,
    time::{Instant, Monotonic},
};

/// What to copy, and how.
pub(crate) struct Copy<'a> {
    pub(crate) source: &'a Prepared,
    pub(crate) from: Span,
    /// To be written.
    pub(crate) target: &'a Prepared,
    /// As many bytes.
    pub(crate) to: Span,
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

/// Memory that the source or the target is made of.
struct Pieces(Few<Shown>);

impl Pieces {
    fn of(descriptor: &Strong<Descriptor>, span: &Span) -> Result<Self> {
        let mut pieces = Few::Nothing;

        for shown in Levels::new(descriptor, span.pages)?.into_iter() {
            if shown.leaf().is_some() {
                pieces.push(shown, GFP_KERNEL)?;
            }
        }
        Ok(Self(pieces))
    }

    /// `EINVAL` if there is a page that it has twice, or `other` too.
    fn check_alone(&self, other: &Self) -> Result {
        let mut rest = &*self.0;

        while let Some((piece, others)) = rest.split_first() {
            let is_twice = |again: &Shown| piece.overlaps(again);
            if others.iter().any(is_twice) || other.0.iter().any(is_twice) {
                return Err(EINVAL);
            }
            rest = others;
        }
        Ok(())
    }

    fn claim(&self, use_: Use) -> Result<KVVec<Claimed<'_>>> {
        let mut claims = KVVec::with_capacity(self.0.len(), GFP_KERNEL)?;

        for piece in &*self.0 {
            let claim = Claimed::new(&piece.descriptor, piece.range, use_)?;
            claims.push(claim, GFP_KERNEL)?;
        }
        Ok(claims)
    }

    /// `ENODATA` if some of it was taken away, or was never there.
    fn check_there(&self) -> Result {
        let is_gone = |piece: &Shown| {
            piece
                .leaf()
                .is_some_and(|leaf| leaf.store().pages().are_gone())
        };

        if self.0.iter().any(is_gone) {
            return Err(ENODATA);
        }
        Ok(())
    }

    /// Gives lazy copies what they lack of it. From then on none can be made, for it is claimed.
    fn copy_before_write(&self) -> Result {
        self.0.iter().try_for_each(|piece| {
            let buffer = piece.leaf().and_then(|leaf| leaf.as_buffer());
            buffer.map_or(Ok(()), |buffer| buffer.copy_out_all(piece.range))
        })
    }

    fn observers(&self) -> Result<ById> {
        let mut observers = RBTree::new();

        for piece in &*self.0 {
            let list = piece.descriptor.observers.lock();
            list.add_to(&mut observers, piece.range)?;
        }
        Ok(observers)
    }

    /// Whether an observer still shows some of it.
    fn are_shown_by(&self, observer: &dyn LockedObserver) -> bool {
        self.0
            .iter()
            .any(|piece| observer.shows(&piece.descriptor, piece.range))
    }
}

impl Copy<'_> {
    /// `EINVAL` if the bytes overlap, the target has some twice, or the observers are to go on on bytes that do not lie in their
    /// pages as these do; `ENODATA` if the memory of either was taken away; `EBUSY` if another copy
    /// uses some of it, or a page is pinned; `EPERM` for a sealed observer; `EPERM`, `ERANGE` if one
    /// cannot go on on the target; `ENOMEM`; `EINTR` if the task is killed, which can leave the target
    /// half-written.
    pub(crate) fn run(&self) -> Result<Copied> {
        let transfer = Transfer {
            source: self.source,
            from: self.from,
            target: self.target,
            to: self.to,
        };
        if self.resume_on_target && !transfer.is_by_pages() {
            return Err(EINVAL);
        }
        let source = Pieces::of(self.source, &self.from)?;
        let target = Pieces::of(self.target, &self.to)?;
        target.check_alone(&source)?;
        let _source = source.claim(Use::Source)?;
        let _target = target.claim(Use::Target)?;
        // From here on nobody takes it away.
        source.check_there()?;
        target.check_there()?;
        target.copy_before_write()?;

        let outer = self.source.copying.lock()?;
        let observers = source.observers()?;
        // Before the participants, so that on an error they resume before it is freed.
        let mut reserve = Reserve::new(self.target);
        let mut participants = KVVec::new();
        for observer in observers.values() {
            let locked = observer.lock(&outer)?;
            if !source.are_shown_by(&*locked) {
                // Between the list and the lock it was redirected, or ended.
                continue;
            }
            if let Some(participant) = self.participant(observer, locked)? {
                participants.push(participant, GFP_KERNEL)?;
            }
        }

        // Most of it now, so that little is left to do while everybody waits.
        transfer.fill(&mut reserve)?;
        let began = Instant::<Monotonic>::now();
        let mut suspended = 0;
        for participant in &mut participants {
            suspended += usize::from(participant.observer.suspend());
        }
        for participant in &mut participants {
            participant.observer.zap();
        }
        // From here on an error resumes them all, as they were, when `participants` is dropped.
        let pinned = self.source.held_pages(self.from.pages)?;
        if self.refuse_pinned && pinned != 0 {
            return Err(EBUSY);
        }
        // Again, for what was touched first meanwhile. A page that comes later can only have been
        // read, through a new read-only map, and is zeros like a page that is not there.
        reserve.rewind();
        transfer.fill(&mut reserve)?;
        reserve.commit()?;
        transfer.run()?;
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

    /// The mode in which observers go on on the target, unless it is for the memory of either to say.
    fn common_cache_mode(&self) -> Option<CacheMode> {
        let is_of_buffers = |descriptor: &Descriptor, pages| {
            let mut places = descriptor.places(pages);
            places.all(|(_, place)| place.leaf.as_buffer().is_some())
        };
        let may_change = is_of_buffers(self.source, self.from.pages)
            && is_of_buffers(self.target, self.to.pages);

        self.source.cache_mode().filter(|_| may_change)
    }

    /// An observer that takes part; with where it goes on, if it is to.
    fn participant<'a>(
        &self,
        observer: &Arc<dyn Observer>,
        locked: KBox<dyn LockedObserver + 'a>,
    ) -> Result<Option<Participant<'a>>> {
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
            locked.check_redirect()?;
            let shown = locked.all_of(self.source).ok_or(ERANGE)?;
            let before = shown.inside(self.from.pages).ok_or(ERANGE)?;
            let range = self.to.pages.slice(before, shown.pages()).ok_or(ERANGE)?;
            // It is prepared already.
            let target = Descriptor::prepare(self.target, range, Purpose::Write)?;
            Some(Part::observe(
                target,
                locked.is_writable(),
                // They move together, and so must not depend on who is first.
                self.common_cache_mode(),
                || observer.clone(),
            )?)
        } else {
            None
        };
        Ok(Some(Participant {
            observer: locked,
            next,
        }))
    }
}
