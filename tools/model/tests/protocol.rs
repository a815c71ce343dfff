// SPDX-License-Identifier: MIT OR Apache-2.0

//! All states of the protocol are visited; and of the protocol without each of its rules, until the bug is
//! found.

use iomd_model::{ALL_DONE, NO_LOST_WAKE_UP, NO_STALE_ENTRY, Omission, Protocol};
use stateright::{Checker, Model};

fn check(omission: Option<Omission>) -> impl Checker<Protocol> {
    Protocol { omission }.checker().spawn_bfs().join()
}

#[test]
fn the_protocol_as_it_ships_holds_in_every_order_of_its_steps() {
    let checker = check(None);

    println!("{} states", checker.unique_state_count());
    assert!(checker.is_done());
    checker.assert_properties();
}

/// Leaving `omission` out breaks `property`; prints the steps that lead there.
fn finds(omission: Omission, property: &'static str) {
    let checker = check(Some(omission));
    let path = checker
        .discovery(property)
        .unwrap_or_else(|| panic!("without {omission:?} nothing is found"));
    let steps = path.into_actions();

    println!("without {omission:?}: {property} is broken by {steps:?}");
    assert!(checker.discovery(ALL_DONE).is_some());
}

macro_rules! found {
    ($($name:ident: $omission:ident breaks $property:ident;)*) => {
        $(
            #[test]
            fn $name() {
                finds(Omission::$omission, $property);
            }
        )*
    };
}

found! {
    a_zap_before_the_gate_is_closed_is_found: ZapBeforeGate breaks NO_STALE_ENTRY;
    a_missing_drain_is_found: Drain breaks NO_STALE_ENTRY;
    a_missing_second_look_is_found: SecondLook breaks NO_STALE_ENTRY;
    an_insertion_without_the_lock_is_found: InsertUnderLock breaks NO_STALE_ENTRY;
    a_missing_look_before_sleep_is_found: LookBeforeSleep breaks NO_LOST_WAKE_UP;
    a_missing_wake_up_is_found: Wake breaks NO_LOST_WAKE_UP;
    a_wake_up_before_the_gate_is_open_is_found: OpenBeforeWake breaks NO_LOST_WAKE_UP;
    a_fork_that_links_late_is_found: ForkLinksFirst breaks NO_STALE_ENTRY;
    a_zap_of_the_child_first_is_found: ZapParentFirst breaks NO_STALE_ENTRY;
    an_unmap_that_unlinks_before_it_clears_is_found: UnmapClearsFirst breaks NO_STALE_ENTRY;
    an_unmap_that_unlinks_before_it_flushes_is_found: UnmapFlushesFirst breaks NO_STALE_ENTRY;
    a_zap_that_does_not_flush_for_others_is_found: FlushForOthers breaks NO_STALE_ENTRY;
}
