// SPDX-License-Identifier: MIT OR Apache-2.0

//! The calls as the header has them: what is refused, and that nothing comes of a refused call.

mod argument;
mod call;
mod features;
mod files;
mod flags;
mod map_create;
mod memory;
mod numbers;
mod sizes;
mod world;

pub use argument::{Argument, Memory};
pub use call::CALLS;
pub use world::World;
