// SPDX-License-Identifier: GPL-2.0

//! Safe types for what the `kernel` crate lacks, one concept per file, written as if for
//! upstream. All `unsafe` code and all raw bindings of the module are here; nothing here knows
//! what a descriptor or a map is.

mod bindings;
mod lru;
mod slab;

pub(crate) mod account;
pub(crate) mod address_space;
pub(crate) mod big_reader_lock;
pub(crate) mod cache;
pub(crate) mod debugfs;
pub(crate) mod dma_buf;
pub(crate) mod fault;
pub(crate) mod fault_count;
pub(crate) mod file;
mod file_operations;
pub(crate) mod folio;
pub(crate) mod frame;
pub(crate) mod global;
pub(crate) mod limited;
pub(crate) mod local_mapping;
pub(crate) mod mapped;
pub(crate) mod mappings;
pub(crate) mod memory_file;
pub(crate) mod mutex;
pub(crate) mod page_array;
pub(crate) mod pages;
pub(crate) mod physical;
pub(crate) mod pins;
pub(crate) mod placing;
pub(crate) mod run;
pub(crate) mod rwsem;
pub(crate) mod scratch_file;
pub(crate) mod shrinker;
pub(crate) mod task;
pub(crate) mod task_work;
pub(crate) mod trace;
pub(crate) mod user;
pub(crate) mod user_words;
pub(crate) mod vma;
pub(crate) mod wait;
