// SPDX-License-Identifier: GPL-2.0

//! Rules without kernel types, but for atomics: what the module decides, apart from what it does.
//!
//! The module compiles these files, and so does the Cargo crate beside them, whose unit and
//! property tests therefore run the very code that ships.

#[cfg(any(MODULE, test))]
mod atomic;
// Without loom there are no atomics for it, nor for the gate.
#[cfg(any(MODULE, test))]
pub mod big_reader;
pub mod cache;
pub mod compatible;
pub mod direction;
pub mod extents;
#[cfg(any(MODULE, test))]
pub mod gate;
pub mod layout;
#[cfg(any(MODULE, test))]
pub mod numbers;
pub mod options;
pub mod page_set;
pub mod purge;
pub mod range;
pub mod remap;
pub mod wait;
pub mod width;
pub mod window;
pub mod wires;
