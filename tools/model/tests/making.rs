// SPDX-License-Identifier: MIT OR Apache-2.0

//! A copy overlooks no map that is just being made; it would without each of the rules.

use iomd_model::making::{ALL_DONE, Making, NOT_TORN, Omission};
use stateright::{Checker, Model};

fn check(omission: Option<Omission>) -> impl Checker<Making> {
    Making { omission }.checker().spawn_bfs().join()
}

#[test]
fn no_copy_is_torn_in_any_order_of_the_steps() {
    let checker = check(None);

    assert!(checker.is_done());
    checker.assert_properties();
}

#[test]
fn each_rule_that_is_left_out_is_found() {
    for omission in [
        Omission::LockBeforeAttach,
        Omission::ClaimBeforeCollect,
        Omission::RefuseWhileClaimed,
        Omission::Suspend,
    ] {
        let checker = check(Some(omission));
        let path = checker
            .discovery(NOT_TORN)
            .unwrap_or_else(|| panic!("without {omission:?} nothing is found"));

        println!("without {omission:?}: a copy is torn by {:?}", path.into_actions());
        assert!(checker.discovery(ALL_DONE).is_some());
    }
}
