// SPDX-License-Identifier: GPL-2.0

//! How a map comes to be.

use super::{
    counters::Counters, held::Held, standing::Standing, state::State, switch::Switch,
    waiters::Waiters, Map, MAPS,
};
use crate::{
    descriptor::{prepared::Prepared, Part},
    os::{
        big_reader_lock::new_big_reader_lock, dma_buf::export::Exports, mappings::Mappings,
        mutex::new_killable_mutex, rwsem::new_rw_semaphore, trace, user, wait::new_wait_queue,
    },
    pure::{extents::Cover, gate::Gate, options::Options},
    registry::{Identity, Registry, Strong},
    suspension::Terms,
};
use kernel::{
    new_mutex, new_spinlock,
    prelude::*,
    sync::{atomic::Atomic, Arc},
};

/// What a forked child gets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inheritance {
    Share,
    None,
}

/// What a map is to be.
pub(crate) struct Request {
    pub(crate) memory: Prepared,
    /// Of the descriptor.
    pub(crate) cover: Cover,
    pub(crate) options: Options,
    pub(crate) inheritance: Inheritance,
    /// The mapping lives on without a handle.
    pub(crate) keep: bool,
    /// It is in the kernel's own address space.
    pub(crate) in_kernel: bool,
    /// Nobody can hold pages through it.
    pub(crate) unpinnable: bool,
}

impl Map {
    /// Makes a map that nothing is mapped through yet.
    ///
    /// `ENOMEM`, `ENFILE`; `EBUSY` if the map is writable and its memory is being copied, or if its
    /// cache mode is in conflict; as [`Part::observe`].
    pub(crate) fn new(request: Request) -> Result<Strong<Self>> {
        let Request {
            memory,
            cover,
            options,
            inheritance,
            keep,
            in_kernel,
            unpinnable,
        } = request;
        let range = cover.pages;
        let map = Arc::pin_init(
            try_pin_init!(Self {
                identity: Identity::new()?,
                range: range.at_zero(),
                page_offset: cover.head,
                length: cover.length,
                options,
                inheritance,
                keep,
                in_kernel,
                unpinnable,
                maker: user::Maker::current(),
                handles: Atomic::new(0),
                sealed_by: Atomic::new(0),
                mappings <- Mappings::new(),
                control <- new_killable_mutex!((), "iomd_control"),
                state <- new_big_reader_lock!(State {
                    part: None,
                    held: Held::Nothing,
                    ended: false,
                }, "iomd_state"),
                gate: Gate::new(),
                ended: Atomic::new(false),
                standing <- new_spinlock!(Standing::PASS, "iomd_standing"),
                pieces <- new_rw_semaphore!((), "iomd_pieces"),
                access <- new_wait_queue!("iomd_access"),
                pollers <- new_wait_queue!("iomd_pollers"),
                waiters <- Waiters::new(),
                holder <- new_spinlock!(None, "iomd_holder"),
                exports <- Exports::new(),
                static_maps <- new_mutex!(Registry::new(), "iomd_static_maps"),
                wires <- new_mutex!(None, "iomd_wires"),
                counters: Counters::new(),
                faults_zapped: Atomic::new(0),
            }? Error),
            GFP_KERNEL_ACCOUNT,
        )?;
        let descriptor = memory.id();
        // From here on an early return retires it, and so takes it out of every list.
        let map = Strong::first(map);
        let is_suspended = {
            // Locked from before the descriptor knows of the map: a copy that finds it there waits
            // to see what it shows.
            let mut state = map.state.write();
            let part = Part::observe(
                memory,
                !options.is_read_only(),
                options.cache_mode(),
                || map.arc().clone(),
            )?;

            state.part.insert(part).suspension().is_some()
        };
        // A descriptor that is suspended later closes the gate itself.
        if is_suspended {
            let switch = Switch::new(&map, map.control.lock()?);
            switch.close(Terms::SWITCH);
            switch.settle();
        }

        let node = Registry::node(map.arc())?;
        MAPS.lock().insert(node);
        trace::map_create(map.id(), descriptor, range.start());
        Ok(map)
    }
}
