// SPDX-License-Identifier: MIT OR Apache-2.0

//! Structures that are too short, or longer than this kernel knows.

use iomd::Errno;

use super::argument::Memory;
use super::{CALLS, World};
use crate::support::{PAGE, some};

const SIZE: usize = 0;

#[test]
fn a_structure_that_is_too_short_is_refused() {
    let world = World::new();
    for call in &CALLS {
        let whole = (call.argument)(&world);
        let length = whole.len();
        for size in [0, 1, 3, 4, length / 2, length - 4, length - 1] {
            let what = format!("of {size} bytes");
            let short = whole.with(SIZE, size as u32);
            call.refused(&world, &short, Errno::INVAL, &what);
            // And nothing beyond is read, but for the size itself.
            call.refused(&world, &short.resized(size.max(4)), Errno::INVAL, &what);
        }
    }
}

#[test]
fn a_longer_structure_is_accepted_if_the_rest_is_zero() {
    for call in &CALLS {
        for &more in some(&[1, 4, 8, 64]) {
            let world = World::new();
            let whole = (call.argument)(&world);
            let size = whole.len() + more;
            let long = whole.resized(size).with(SIZE, size as u32);
            let answer = call.accepted(&world, &long, &format!("of {size} bytes"));
            assert_eq!(answer.get(SIZE), size as u32, "{}", call.name);
            assert!(answer.bytes()[whole.len()..].iter().all(|&byte| byte == 0), "{}", call.name);
            drop(call.file_in(&answer));
        }
    }
}

#[test]
fn a_longer_structure_is_refused_if_the_rest_is_not_zero() {
    let world = World::new();
    for call in &CALLS {
        let whole = (call.argument)(&world);
        for &more in some(&[8, 1, 64, 1000]) {
            let size = whole.len() + more;
            let long = whole.resized(size).with(SIZE, size as u32);
            for offset in [whole.len(), whole.len() + more / 2, size - 1] {
                for byte in [1, 0x80] {
                    let what = format!("of {size} bytes, byte {offset} is {byte}");
                    call.refused(&world, &long.with_byte(offset, byte), Errno::TOOBIG, &what);
                }
            }
        }
    }
}

#[test]
fn a_structure_as_large_as_a_page_is_accepted_and_a_huge_one_refused() {
    for call in &CALLS {
        let world = World::new();
        let whole = (call.argument)(&world);
        // Refused by its size: there is no such memory.
        for size in [64 << 10, 1 << 30, i32::MAX as u32, 1 << 31, u32::MAX] {
            call.refused(&world, &whole.with(SIZE, size), Errno::TOOBIG, "huge");
        }
        let page = whole.resized(PAGE).with(SIZE, PAGE as u32);
        drop(call.file_in(&call.accepted(&world, &page, "of a page")));
    }
}

#[test]
fn what_follows_the_structure_is_nobody_s() {
    // Neither looked at nor written, where the size does not say that it belongs to it.
    for call in &CALLS {
        let world = World::new();
        let whole = (call.argument)(&world);
        let mut more = whole.resized(whole.len() + 64);
        for offset in whole.len()..more.len() {
            more = more.with_byte(offset, 0xa5);
        }
        let answer = call.accepted(&world, &more, "with something after it");
        assert_eq!(answer.bytes()[whole.len()..], more.bytes()[whole.len()..], "{}", call.name);
        drop(call.file_in(&answer));
    }
}

#[test]
fn answers_replace_whatever_was_there() {
    for call in CALLS.iter().filter(|call| call.answers()) {
        let answers = [0, !0].map(|before| {
            let world = World::new();
            let mut argument = (call.argument)(&world);
            for &offset in call.outs {
                argument.set(offset, before);
            }
            let answer = call.accepted(&world, &argument, &format!("with {before:#x} before"));
            drop(call.file_in(&answer));
            answer
        });
        for &offset in call.outs {
            let [zeros, ones] = answers.each_ref().map(|answer| answer.get(offset));
            assert!(zeros != 0 || ones != !0, "{}: nothing is written at {offset}", call.name);
        }
    }
}

#[test]
fn a_structure_may_be_anywhere() {
    // Also across pages, and at addresses that are no multiple of anything.
    let any = World::new();
    for call in &CALLS {
        let memory = Memory::new();
        let length = (call.argument)(&any).len();
        for &beyond in some(&[length - 1, 1, 3, 4, length + 1]) {
            let world = World::new();
            let argument = (call.argument)(&world);
            let address = memory.put_across(&argument, beyond);
            let outcome = call.at(&world, address);
            assert_eq!(outcome, Ok(()), "{}, {beyond} bytes in the next page", call.name);
            drop(call.file_in(&memory.take(address, length)));
        }
    }
}
