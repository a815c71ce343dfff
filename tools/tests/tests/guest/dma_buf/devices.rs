// SPDX-License-Identifier: MIT OR Apache-2.0

//! A map as a dma-buf, for devices: what they have mapped, and what they are told.

use iomd::{Errno, Purgeable};

use super::{NEW, OLD, PAGES, leaves_nothing};
use crate::support::peers::{Device, Direction, Importer, Peers};
use crate::support::{PAGE, assert_painted, client, dma_buf, painted, unique, window};

/// A device that has the dma-buf of a map mapped.
fn importer(peers: &Peers, map: &iomd::Map, importer: Importer) -> Device {
    let device = peers.attach(map.export_dma_buf().unwrap(), importer);
    device.map(Direction::Both).expect("the device maps it");
    device
}

#[test]
fn a_device_sees_what_tasks_see() {
    let peers = Peers::load();
    for kind in [Importer::Static, Importer::Prompt, Importer::Lazy] {
        leaves_nothing(|| {
            let map = unique(&painted(PAGES, OLD));
            let mapping = map.mmap().unwrap();
            let device = importer(&peers, &map, kind);
            for page in 0..PAGES {
                assert_eq!(device.read(page * PAGE), Some(OLD + page as u64), "{kind:?}");
            }
            device.write(PAGE, 7);
            assert_eq!(mapping.load_u64(PAGE), 7);
            mapping.store_u64(PAGE, 8);
            assert_eq!(device.read(PAGE), Some(8));
        });
    }
}

#[test]
fn what_is_mapped_through_a_device_s_file_goes_where_the_map_goes() {
    let peers = Peers::load();
    leaves_nothing(|| {
        let (old, new) = (painted(PAGES, OLD), painted(PAGES, NEW));
        let map = unique(&old);
        let device = peers.attach(map.export_dma_buf().unwrap(), Importer::Static);
        let region = dma_buf::map(&device, PAGES);
        drop(device);
        assert_eq!(region.read(0), OLD);
        map.redirect(&new).run().unwrap();
        assert_eq!(region.read(0), NEW);
        region.unmap().unwrap();
    });
}

#[test]
fn who_can_be_told_is_told_of_a_redirect() {
    let peers = Peers::load();
    let (old, new) = (painted(PAGES, OLD), painted(PAGES, NEW));
    let map = unique(&old);
    let device = importer(&peers, &map, Importer::Prompt);
    assert_eq!(device.told(), 0);
    assert_eq!(map.redirect(&new).refuse_pinned(true).run().unwrap().pinned, 0);
    assert_eq!((device.told(), device.read(0)), (1, None), "it has let go of the old memory");
    device.map(Direction::Both).unwrap();
    assert_eq!(device.read(0), Some(NEW));
    device.write(0, 7);
    assert_eq!(window(&new).load_u64(0), 7);
    assert_painted(&old, OLD);
}

#[test]
fn who_does_not_let_go_is_counted() {
    let peers = Peers::load();
    let (old, new) = (painted(PAGES, OLD), painted(PAGES, NEW));
    for (kind, told) in [(Importer::Lazy, 1), (Importer::Static, 0)] {
        let map = unique(&old);
        let device = importer(&peers, &map, kind);
        let refused = map.redirect(&new).refuse_pinned(true).run();
        assert_eq!(refused.unwrap_err().errno(), Errno::BUSY, "{kind:?}");
        assert_eq!(map.mmap().unwrap().load_u64(0), OLD, "{kind:?}: nothing has changed");
        assert_eq!(device.told(), told);
        assert_eq!(map.redirect(&new).run().unwrap().pinned, PAGES as u64, "{kind:?}");
        assert_eq!(device.read(0), Some(OLD), "{kind:?}: it is still there");
        device.unmap();
        device.map(Direction::Both).unwrap();
        assert_eq!(device.read(0), Some(NEW), "{kind:?}");
        drop(device);
        assert_eq!(map.redirect(&old).run().unwrap().pinned, 0, "{kind:?}");
    }
}

#[test]
fn while_one_has_it_pinned_all_stay() {
    let peers = Peers::load();
    let (old, new) = (painted(PAGES, OLD), painted(PAGES, NEW));
    let map = unique(&old);
    let exported = map.export_dma_buf().unwrap();
    let [pinning, other] = [0; 2].map(|_| peers.attach(&exported, Importer::Prompt));
    pinning.pin().unwrap();
    other.map(Direction::Both).unwrap();
    assert_eq!(map.redirect(&new).run().unwrap().pinned, PAGES as u64);
    assert_eq!((pinning.told(), other.told()), (0, 0));
    assert_eq!(other.read(0), Some(OLD));
    pinning.map(Direction::Both).unwrap();
    assert_eq!(pinning.read(0), Some(OLD), "what is pinned stays where it is");
    pinning.unmap();
    pinning.unpin();
    assert_eq!((pinning.told(), other.told()), (1, 1), "now there is nothing to keep it");
    other.map(Direction::Both).unwrap();
    assert_eq!(other.read(0), Some(NEW));
    assert_eq!(map.redirect(&old).refuse_pinned(true).run().unwrap().pinned, 0);
}

#[test]
fn the_kernel_s_own_address_of_it_is_a_pin() {
    let peers = Peers::load();
    leaves_nothing(|| {
        let (old, new) = (painted(PAGES, OLD), painted(PAGES, NEW));
        let map = unique(&old);
        let device = peers.attach(map.export_dma_buf().unwrap(), Importer::Prompt);
        device.vmap().unwrap();
        device.write(PAGE, 7);
        assert_eq!(window(&old).load_u64(PAGE), 7);
        assert_eq!(map.redirect(&new).run().unwrap().pinned, PAGES as u64);
        assert_eq!(device.read(PAGE), Some(7));
        device.vunmap();
        device.vmap().unwrap();
        assert_eq!(device.read(PAGE), Some(NEW + 1));
    });
}

#[test]
fn nobody_maps_what_is_suspended() {
    let peers = Peers::load();
    let memory = painted(PAGES, OLD);
    let map = unique(&memory);
    let device = importer(&peers, &map, Importer::Prompt);
    let away = |what: &str| {
        assert_eq!(device.read(0), None, "{what}: it was told");
        assert_eq!(device.map(Direction::Both), Err(Errno::AGAIN), "{what}");
    };
    let back = |what: &str| {
        device.map(Direction::Both).unwrap_or_else(|errno| panic!("{what}: {errno}"));
        assert_eq!(device.read(0), Some(OLD), "{what}");
    };

    assert_eq!(map.suspend().unwrap().pinned, 0);
    away("the map is suspended");
    map.resume().unwrap();
    back("the map is resumed");
    map.suspend_with().range(PAGE as u64, PAGE as u64).run().unwrap();
    away("a page is suspended");
    map.resume().unwrap();
    back("it is resumed");
    memory.suspend().unwrap();
    away("the memory is suspended");
    memory.resume().unwrap();
    back("it is resumed");
}

#[test]
fn a_copy_and_a_batch_tell_too() {
    let peers = Peers::load();
    let [first, second, third] = [OLD, NEW, 0x0300].map(|tag| painted(PAGES, tag));
    let map = unique(&first);
    let device = importer(&peers, &map, Importer::Prompt);
    first.copy_to(&second).resume_on_target(true).run().unwrap();
    assert_eq!(device.read(0), None);
    device.map(Direction::Both).unwrap();
    device.write(PAGE, 7);
    assert_eq!(window(&second).load_u64(PAGE), 7, "it has gone where the map has");
    client().batch().redirect(&map, &third).run().unwrap();
    assert_eq!(device.read(0), None);
    device.map(Direction::Both).unwrap();
    assert_eq!(device.read(0), Some(0x0300));
    assert_eq!(device.told(), 2);
}

#[test]
fn the_end_of_the_map_is_told() {
    let peers = Peers::load();
    leaves_nothing(|| {
        let map = unique(&painted(PAGES, OLD));
        let device = importer(&peers, &map, Importer::Prompt);
        map.unmap().unwrap();
        assert_eq!((device.told(), device.read(0)), (1, None));
        assert_eq!(device.map(Direction::Both), Err(Errno::NODEV));
    });
}

#[test]
fn a_device_has_all_of_sparse_memory_and_keeps_it() {
    let peers = Peers::load();
    let memory = client().sparse_buffer((PAGES * PAGE) as u64).unwrap();
    let device = peers.attach(memory.export_dma_buf().unwrap(), Importer::Static);
    assert_eq!(memory.info().unwrap().resident, 0);
    device.map(Direction::Both).unwrap();
    assert_eq!(memory.info().unwrap().resident, (PAGES * PAGE) as u64);
    assert_eq!((device.read(0), device.read(PAGE)), (Some(0), Some(0)));
    let refused = memory.set_purgeable(Purgeable::Empty);
    assert_eq!(refused.unwrap_err().errno(), Errno::BUSY);
    device.unmap();
    memory.set_purgeable(Purgeable::Empty).unwrap();
    assert_eq!(device.map(Direction::Both), Err(Errno::NODATA));
}

#[test]
fn a_device_is_not_given_pages_of_others() {
    let peers = Peers::load();
    let foreign = client().import_dma_buf(dma_buf::of_heap(PAGES), 0, 0).unwrap();
    let map = unique(&painted(PAGES, OLD));
    let device = importer(&peers, &map, Importer::Prompt);
    map.redirect(&foreign).run().unwrap();
    assert_eq!(device.read(0), None, "it was told");
    assert_eq!(device.map(Direction::Both), Err(Errno::OPNOTSUPP));
}
