// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the kernel has besides.

pub mod memfd;
pub mod process;
pub mod udmabuf;
pub mod userfaultfd;
