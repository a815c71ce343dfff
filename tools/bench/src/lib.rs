// SPDX-License-Identifier: MIT OR Apache-2.0

//! Measures iomd beside what it would be compared with: in one boot, on as much memory, by one program.
//!
//! A [`work`](works) is done by several contestants in turn: iomd, its rivals, and the *floor*, a module
//! that makes the same calls of the kernel and nothing around them. The floor is what the kernel itself
//! costs.

mod chart;
mod contest;
mod floor;
mod ratios;
mod region;
mod report;
mod rivals;
mod works;
mod world;

pub use chart::draw;
pub use ratios::Ratios;
pub use report::{Figure, Report, Standing};
pub use works::{NAMES, measure};
pub use world::World;
