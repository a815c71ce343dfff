// SPDX-License-Identifier: MIT OR Apache-2.0

//! `iomdctl`, on objects in use. What it prints of them the documents show.

mod bytes;
mod control;
mod create;
mod dma_buf;
mod map;
mod parts;
mod remap;
mod top;
mod trace;
