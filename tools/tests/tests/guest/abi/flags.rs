// SPDX-License-Identifier: MIT OR Apache-2.0

//! Flags and padding.

use iomd::Errno;

use super::{CALLS, World};
use crate::support::some;

const FLAGS: usize = 4;

#[test]
fn unknown_flags_are_refused() {
    let world = World::new();
    for call in &CALLS {
        let argument = (call.argument)(&world);
        for bit in (0..32).map(|shift| 1 << shift).filter(|bit| call.flags & bit == 0) {
            for &flags in some(&[bit, bit | call.flags]) {
                let what = format!("flags {flags:#x}");
                call.refused(&world, &argument.with(FLAGS, flags), Errno::INVAL, &what);
            }
        }
    }
}

#[test]
fn padding_that_is_not_zero_is_refused() {
    let world = World::new();
    for call in &CALLS {
        let argument = (call.argument)(&world);
        for &offset in call.padding {
            for value in [1, 0x100, 0x8000_0000, !0] {
                let what = format!("padding {value:#x}");
                call.refused(&world, &argument.with(offset, value), Errno::INVAL, &what);
            }
        }
    }
}
