// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where things go wrong around the module, or there is too much of everything. What comes of it is told
//! in `Documentation/hostile.rst`.

mod counters;
mod many;
mod memory;
mod poisoned;
mod processors;
mod small;
