// SPDX-License-Identifier: GPL-2.0

//! Static maps (kIOMapStatic): objects for mappings that exist already. A sub-map is one of a part of
//! a mapping that it shares; setMapping makes one of what it finds, a record.
//!
//! A Static map maps nothing and unmaps nothing. It says where in a task a part of a map is, as long as
//! it is there. A sub-map has a handle of the map, so that the mapping does not end before it.

use super::{
    sharing::{page_address, Part, Wanted},
    view, Handle, Info, Map,
};
use crate::{
    descriptor::Descriptor,
    os::{
        address_space::KeptAddressSpace,
        global::global_mutex,
        trace::{self, StaticMapCreated},
    },
    pure::{
        compatible::Mapping,
        options::Options,
        range::{PageRange, PAGE_SIZE},
    },
    registry::{Identity, Object, Registry, Strong},
    task::Task,
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{Acquire, Atomic, Full},
        Arc,
    },
};

global_mutex! {
    static STATIC_MAPS: Mutex<Registry<StaticMap>> = Registry::new();
    /// Makes the registry of Static maps usable.
    fn init_registry
}

/// See the module's documentation.
pub(crate) struct StaticMap {
    identity: Identity,
    map: Strong<Map>,
    /// A sub-map's.
    handle: Option<Handle>,
    descriptor: Strong<Descriptor>,
    /// Of the descriptor.
    range: PageRange,
    mapping: Mapping,
    task: Strong<Task>,
    ended: Atomic<bool>,
}

impl StaticMap {
    /// A Static map of what is wanted. `ENFILE`, `ENOMEM`.
    pub(super) fn new(wanted: &Wanted<'_>, part: Part) -> Result<Strong<Self>> {
        // From here on an early return retires it, and so takes it out of both registries.
        let static_map = Strong::first(Arc::new(
            Self {
                identity: Identity::new()?,
                map: part.map,
                handle: part.handle,
                descriptor: wanted.descriptor.clone(),
                range: wanted.range,
                mapping: Mapping {
                    options: wanted.mapping.options.with_static(),
                    address: part.address,
                    ..wanted.mapping
                },
                task: wanted.task.clone(),
                ended: Atomic::new(false),
            },
            GFP_KERNEL_ACCOUNT,
        )?);
        let of_map = Registry::node(static_map.arc())?;
        let of_all = Registry::node(static_map.arc())?;

        static_map.map.static_maps.lock().insert(of_map);
        STATIC_MAPS.lock().insert(of_all);
        trace::static_map_create(StaticMapCreated {
            map: static_map.id(),
            part_of: static_map.map.id(),
            descriptor: static_map.descriptor.id(),
            first_page: static_map.range.start(),
            address: static_map.mapping.address,
            is_sub_map: static_map.is_sub_map(),
        });
        Ok(static_map)
    }

    /// The Static map with this id; `ENOENT`.
    pub(crate) fn by_id(id: u64) -> Result<Strong<Self>> {
        STATIC_MAPS.lock().get(id)
    }

    /// The smallest id of a Static map above `id`.
    pub(crate) fn next_id(id: u64) -> Option<u64> {
        STATIC_MAPS.lock().next(id)
    }

    /// The Static map of a map with the smallest id above `id`.
    pub(super) fn next_of(map: &Map, mut id: u64) -> Option<Strong<Self>> {
        loop {
            let static_maps = map.static_maps.lock();
            id = static_maps.next(id)?;
            // Not one that is just going.
            if let Ok(static_map) = static_maps.get(id) {
                return Some(static_map);
            }
        }
    }

    pub(crate) fn id(&self) -> u64 {
        self.identity.id()
    }

    /// The map that it is part of.
    pub(super) fn map(&self) -> &Strong<Map> {
        &self.map
    }

    pub(crate) fn options(&self) -> Options {
        self.mapping.options
    }

    /// Whether it keeps the mapping from ending.
    pub(super) fn is_sub_map(&self) -> bool {
        self.handle.is_some()
    }

    /// What it offers to those who look for a mapping in an address space. To be called without locks.
    pub(super) fn mapping_in(&self, address_space: &KeptAddressSpace) -> Option<Mapping> {
        let is_there = self.task.address_space().number() == address_space.number();
        // A map that is never shared is not shared by way of a record either.
        let is_shared = !self.has_ended() && !self.map.options().is_unique();

        (is_there && is_shared).then(|| Mapping {
            // Where not all of it is left, a part of it can be.
            address: self.place().map_or(self.mapping.address, |place| {
                (place as u64).saturating_add(self.mapping.address % PAGE_SIZE)
            }),
            ..self.mapping
        })
    }

    /// Its state of this moment. To be called without locks.
    pub(crate) fn info(&self) -> Info {
        Info {
            holder: self.task.process().zip(self.place()),
            ..self.facts()
        }
    }

    /// Its state of this moment, but for where it is.
    pub(crate) fn facts(&self) -> Info {
        let map = self.map.info();

        Info {
            id: self.id(),
            options: self.options(),
            length: self.mapping.length,
            pages: self.range.pages(),
            descriptor_id: self.descriptor.id(),
            offset: self.mapping.offset,
            page_offset: self.mapping.address % PAGE_SIZE,
            holder: None,
            ended: map.ended || self.has_ended(),
            part_of: Some(map.id),
            is_sub_map: self.is_sub_map(),
            ..map
        }
    }

    /// Ends it: it is nowhere from now on. The mapping stays as it is.
    pub(crate) fn end(&self) {
        if !self.ended.xchg(true, Full) {
            trace::static_map_end(self.id());
        }
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Acquire)
    }

    /// Where its task has its first page, if it still does: a sub-map moves with the mapping that it is part of.
    fn place(&self) -> Option<usize> {
        page_address(self.mapping.address)
            .filter(|&address| self.is_at(address))
            .or_else(|| self.place_in_map().filter(|&address| self.is_at(address)))
    }

    /// Where it would be, from where the map is that it keeps.
    fn place_in_map(&self) -> Option<usize> {
        self.handle.as_ref()?;
        let page = self.map.page_of(&self.descriptor, self.range)?;
        let base = self.map.base_in(self.task.address_space())?;

        base.checked_add(page.checked_mul(kernel::page::PAGE_SIZE)?)
    }

    /// Whether its task still has it there: its map, and of the same memory.
    fn is_at(&self, address: usize) -> bool {
        !self.has_ended()
            && self
                .map
                .page_of(&self.descriptor, self.range)
                .zip(view::at(
                    self.task.address_space(),
                    address,
                    self.range.pages(),
                ))
                .is_some_and(|(page, sight)| sight.map.is_same(&self.map) && sight.page == page)
    }
}

impl Object for StaticMap {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn retire(&self) {
        let of_map = self.map.static_maps.lock().remove(self.id());
        let of_all = STATIC_MAPS.lock().remove(self.id());

        drop(of_map);
        drop(of_all);
    }
}
