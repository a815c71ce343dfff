// SPDX-License-Identifier: MIT OR Apache-2.0

//! Tests of the module, run as root in a guest: one module for each thing that is promised.

mod support;

mod redirect;
mod wait;
mod wait_ends;
mod wait_leaves_others_alone;
