// SPDX-License-Identifier: MIT OR Apache-2.0

//! Devices at work while the memory moves.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use iomd::Errno;

use super::{NEW, OLD, PAGES};
use crate::support::dma_buf::Timeline;
use crate::support::peers::{Direction, Importer, Peers};
use crate::support::{
    Child, End, PAGE, dma_buf, eventually, painted, proc, scaled, unique, window,
};

#[test]
fn devices_come_and_go_during_redirects() {
    let peers = Peers::load();
    let (old, new) = (painted(PAGES, OLD), painted(PAGES, NEW));
    let map = unique(&old);
    let mapping = map.mmap().unwrap();
    let exported = map.export_dma_buf().unwrap();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for importer in [Importer::Static, Importer::Prompt, Importer::Lazy] {
            let (peers, exported, over) = (&peers, &exported, &over);
            scope.spawn(move || {
                let device = peers.attach(exported, importer);
                while !over.load(Ordering::Relaxed) {
                    match device.map(Direction::Both) {
                        Ok(()) => {
                            let word = device.read(PAGE);
                            let known = [Some(OLD + 1), Some(NEW + 1), None];
                            assert!(known.contains(&word), "{importer:?}: {word:?}");
                            device.unmap();
                        }
                        Err(errno) => assert_eq!(errno, Errno::AGAIN, "{importer:?}"),
                    }
                }
            });
        }
        for round in 0..scaled(2000) {
            let (target, tag) = if round % 2 == 0 { (&new, NEW) } else { (&old, OLD) };
            map.redirect(target).run().unwrap();
            assert_eq!(mapping.load_u64(PAGE), tag + 1);
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(map.redirect(&old).refuse_pinned(true).run().unwrap().pinned, 0);
}

#[test]
#[ignore = "needs the debug kernel"]
fn a_redirect_waits_for_what_a_device_has_begun() {
    let peers = Peers::load();
    let (old, new) = (painted(PAGES, OLD), painted(PAGES, NEW));
    let map = unique(&old);
    let exported = map.export_dma_buf().unwrap();
    let device = peers.attach(&exported, Importer::Prompt);
    device.map(Direction::Both).unwrap();
    let work = Timeline::new();
    dma_buf::add_fence(&exported, work.fence());
    let child = Child::fork(|channel| {
        map.redirect(&new).run().unwrap();
        channel.say(0);
    });
    eventually("the redirect waits", || proc::state(child.pid()) == 'D');
    assert!(child.is_silent());
    work.advance();
    child.hear();
    assert_eq!(child.end(), End::Exited(0));
    assert_eq!((device.told(), device.read(0)), (1, None));
    assert_eq!(window(&new).load_u64(0), NEW);
}
