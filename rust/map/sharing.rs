// SPDX-License-Identifier: GPL-2.0

//! What a task has mapped already: createMappingInTask's look-up, and setMapping.

use super::{static_map::StaticMap, view, Handle, Map};
use crate::{
    descriptor::Descriptor,
    os::address_space::KeptAddressSpace,
    pure::{
        compatible::Mapping,
        range::{PageRange, PAGE_SIZE},
    },
    registry::Strong,
    task::Task,
};
use kernel::prelude::*;

/// A mapping that is wanted, and must be there already.
pub(crate) struct Wanted<'a> {
    pub(crate) descriptor: &'a Strong<Descriptor>,
    /// Of the descriptor: the pages of `mapping`, in whose first it begins where its address says.
    pub(crate) range: PageRange,
    pub(crate) mapping: Mapping,
    pub(crate) task: &'a Strong<Task>,
}

/// The object for it, and where its first byte is.
pub(crate) struct Existing {
    pub(crate) object: AnyMap,
    pub(crate) address: u64,
}

/// What XNU has one type for.
pub(crate) enum AnyMap {
    Map(Handle),
    Static(Strong<StaticMap>),
}

impl Wanted<'_> {
    /// Shares a compatible map of the descriptor in the task: all of it, or as a sub-map.
    ///
    /// `ENOENT` if there is none; `ESRCH` if the task is dead; `ENOMEM`.
    pub(crate) fn share(&self) -> Result<Existing> {
        self.check_task()?;
        let mut larger = None;

        for id in self.descriptor.observer_ids(self.range)? {
            let mut next = Map::by_id(id).ok().map(Candidate::Map);
            while let Some(candidate) = next {
                if let Some(found) = self.find_in(&candidate) {
                    let address = found.address;
                    if !found.whole {
                        larger = larger.or_else(|| candidate.part_at(address));
                    } else if let Some(object) = candidate.whole() {
                        return Ok(Existing { object, address });
                    }
                }
                next = candidate.next();
            }
        }
        let larger = larger.ok_or(ENOENT)?;
        self.make(larger)
    }

    /// Makes an object for what is mapped at the address, whoever did it.
    ///
    /// `ENOENT` if that is not the wanted part of the descriptor; `EACCES` if it is writable and the
    /// options say that it is not, or the reverse; `ESRCH` if the task is dead; `ENOMEM`.
    pub(crate) fn record(&self) -> Result<Existing> {
        self.check_task()?;
        let address = self.mapping.address;
        let sight = page_address(address)
            .and_then(|at| view::at(self.task.address_space(), at, self.range.pages()))
            .ok_or(ENOENT)?;

        if sight.map.page_of(self.descriptor, self.range) != Some(sight.page) {
            return Err(ENOENT);
        }
        if sight.access.is_writable() == self.mapping.options.is_read_only() {
            return Err(EACCES);
        }
        self.make(Part {
            address,
            map: sight.map,
            handle: None,
        })
    }

    fn check_task(&self) -> Result {
        self.task.process().map(drop).ok_or(ESRCH)
    }

    fn make(&self, part: Part) -> Result<Existing> {
        let address = part.address;

        Ok(Existing {
            object: AnyMap::Static(StaticMap::new(self, part)?),
            address,
        })
    }

    /// Where a candidate serves the request, if it does.
    fn find_in(&self, candidate: &Candidate) -> Option<Found> {
        let existing = candidate.mapping_in(self)?;
        let before = self.mapping.found_in(&existing)?;
        let address = existing.address.checked_add(before)?;

        // All of it has to be there, with the rights that the options promise.
        let page = candidate.map().page_of(self.descriptor, self.range)?;
        let at = page_address(address)?;
        let sight = view::at(self.task.address_space(), at, self.range.pages())?;
        let is_right = sight.map.is_same(candidate.map())
            && sight.page == page
            && sight.access.is_writable() != self.mapping.options.is_read_only();
        is_right.then_some(Found {
            address,
            whole: before == 0 && self.mapping.covers_as_much_as(&existing),
        })
    }
}

/// The address of a byte's page.
pub(super) fn page_address(address: u64) -> Option<usize> {
    usize::try_from(address - address % PAGE_SIZE).ok()
}

/// What serves a request.
struct Found {
    address: u64,
    /// It is all of the existing mapping.
    whole: bool,
}

/// A part of a map that is mapped somewhere.
pub(super) struct Part {
    pub(super) address: u64,
    pub(super) map: Strong<Map>,
    /// To keep the mapping from ending.
    pub(super) handle: Option<Handle>,
}

/// A map that may serve a request.
enum Candidate {
    Map(Strong<Map>),
    Static(Strong<StaticMap>),
}

impl Candidate {
    fn map(&self) -> &Strong<Map> {
        match self {
            Candidate::Map(map) => map,
            Candidate::Static(static_map) => static_map.map(),
        }
    }

    /// The next Static map of the same map.
    fn next(self) -> Option<Self> {
        let last = match &self {
            Candidate::Map(_) => 0,
            Candidate::Static(static_map) => static_map.id(),
        };

        StaticMap::next_of(self.map(), last).map(Candidate::Static)
    }

    fn mapping_in(&self, wanted: &Wanted<'_>) -> Option<Mapping> {
        let address_space = wanted.task.address_space();

        match self {
            Candidate::Map(map) => map.mapping_in(wanted.descriptor, address_space),
            Candidate::Static(static_map) => static_map.mapping_in(address_space),
        }
    }

    /// Another use of it. `None` if it has just ended.
    fn whole(&self) -> Option<AnyMap> {
        match self {
            Candidate::Map(map) => Handle::of_live(map).map(AnyMap::Map),
            Candidate::Static(static_map) => Some(AnyMap::Static(static_map.clone())),
        }
    }

    /// What a sub-map is made of. `None` if it has just ended.
    fn part_at(&self, address: u64) -> Option<Part> {
        let handle = match self {
            // Part of what was recorded is no more than a record.
            Candidate::Static(static_map) if !static_map.is_sub_map() => None,
            _ => Some(Handle::of_live(self.map())?),
        };

        Some(Part {
            address,
            map: self.map().clone(),
            handle,
        })
    }
}

impl Map {
    /// What it offers to those who look for a mapping in an address space.
    fn mapping_in(
        &self,
        descriptor: &Descriptor,
        address_space: &KeptAddressSpace,
    ) -> Option<Mapping> {
        self.shown(descriptor)?;
        let address = self.base_in(address_space)? as u64;

        Some(Mapping {
            options: self.options(),
            offset: self.info().offset,
            length: self.length(),
            address: address.checked_add(self.page_offset())?,
        })
    }

    /// The page of the map at which a part of a descriptor begins, if it shows it and has not ended.
    pub(super) fn page_of(&self, descriptor: &Descriptor, range: PageRange) -> Option<usize> {
        range.inside(self.shown(descriptor)?)
    }
}
