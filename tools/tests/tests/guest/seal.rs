// SPDX-License-Identifier: MIT OR Apache-2.0

//! A sealed map is controlled by one handle alone.

use iomd::Errno;

use crate::support::{buffer, painted, unique};

const TAG: u64 = 0x0100;

#[test]
fn only_the_handle_that_sealed_controls() {
    let (memory, other_memory) = (painted(1, TAG), buffer(1));
    let map = unique(&memory);
    let stranger = map.reopen().unwrap();
    let mapping = map.mmap().unwrap();
    map.seal().unwrap();
    map.seal().expect("it is sealed by this handle");

    let refused = Some(Errno::PERM);
    let errno = |error: iomd::Error| error.errno();
    assert_eq!(stranger.suspend().err().map(errno), refused);
    assert_eq!(stranger.resume().err().map(errno), refused);
    assert_eq!(stranger.redirect(&other_memory).run().err().map(errno), refused);
    assert_eq!(stranger.unmap().err().map(errno), refused);
    assert_eq!(stranger.seal().err().map(errno), refused);
    assert_eq!(memory.copy_to(&other_memory).run().err().map(errno), refused);
    assert_eq!(mapping.load_u64(0), TAG);

    map.redirect(&other_memory).run().unwrap();
    assert_eq!(mapping.load_u64(0), 0);
    map.suspend().unwrap();
    map.resume().unwrap();
    drop(stranger);
    assert!(!map.info().unwrap().ended);
}

#[test]
fn nobody_seals_what_cannot_be_relied_on() {
    let map = unique(&painted(1, TAG));
    map.suspend().unwrap();
    assert_eq!(map.seal().unwrap_err().errno(), Errno::BUSY);
    map.resume().unwrap();
    map.unmap().unwrap();
    assert_eq!(map.seal().unwrap_err().errno(), Errno::BUSY);
}
