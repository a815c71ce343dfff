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

use argument::Argument;
use call::CALLS;
use world::World;
