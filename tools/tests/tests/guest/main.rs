// SPDX-License-Identifier: MIT OR Apache-2.0

//! Tests of the module, run as root in a guest: one module for each thing that is promised.

mod support;

mod abandoned;
mod abi;
mod batch;
mod buffers;
mod by_id;
mod bytes;
mod cache;
mod client_mmap;
mod copy;
mod coverage;
mod deadline;
mod debugfs;
mod descriptor_suspension;
mod dma_buf;
mod foreign;
mod fuzz;
mod hostile;
mod injected;
mod kernel_access;
mod kernel_map;
mod kinds;
mod large;
mod leaks;
mod libiomd;
mod lifetime;
mod messages;
mod namespaces;
mod pager;
mod partial;
mod pins;
mod placement;
mod proc_files;
mod processor_cache;
mod properties;
mod purge;
mod races;
mod read_only;
mod read_only_writes;
mod redirect;
mod refusals;
mod remap;
mod rmmod;
mod seal;
mod segments;
mod sharing;
mod stale_aliases;
mod stress;
mod tasks;
mod tool;
mod untouched;
mod wait;
mod wire;
