// SPDX-License-Identifier: MIT OR Apache-2.0

//! Atomic copies of memory in use.

mod contents;
mod moment;
mod pinned;
mod refusals;
mod suspended;
mod under_way;
pub mod writers;

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;
