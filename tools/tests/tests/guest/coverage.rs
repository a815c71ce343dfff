// SPDX-License-Identifier: MIT OR Apache-2.0

//! A debug kernel tells which of the module's code a call runs through: what a fuzzer goes by.

use crate::support::coverage::Coverage;
use crate::support::{PAGE, buffer, client, module, unique};

#[test]
#[ignore = "needs the debug kernel"]
fn calls_and_accesses_leave_a_trace() {
    let (client, module) = (client(), module::addresses());
    let memory = buffer(1);
    let map = unique(&memory);
    let mapping = map.mmap().unwrap();
    let coverage = Coverage::new();
    let traces = [
        coverage.of(|| drop(client.features().unwrap())),
        coverage.of(|| drop(memory.map().offset(PAGE as u64).create().unwrap_err())),
        coverage.of(|| drop(memory.map().create().unwrap())),
        coverage.of(|| assert_eq!(mapping.load_u64(0), 0)),
    ];
    for (number, trace) in traces.iter().enumerate() {
        let of_module = trace.iter().filter(|place| module.contains(place)).count();
        println!("{number}: {of_module} of {} places are the module's", trace.len());
        let others = traces.iter().enumerate().filter(|&(other, _)| other != number);
        assert!(of_module > 0);
        for (other, others) in others {
            assert!(
                !trace.is_subset(others),
                "{number} runs through nothing but what {other} does"
            );
        }
    }
    // A refused call runs through less.
    assert!(traces[1].len() < traces[2].len());
}
