// SPDX-License-Identifier: MIT OR Apache-2.0

//! Too little memory for all.

use iomd::Mapping;
use rustix::process::Signal;
use rustix::thread::set_name;

use crate::support::cgroup::Cgroup;
use crate::support::{Child, End, PAGE, client, eventually};

const MIB: usize = 1 << 20;

#[test]
fn the_killer_takes_who_asks_for_more_and_not_who_holds_it_by_file_descriptors() {
    let group = Cgroup::new("killer");
    let holder = Child::fork(|parent| {
        group.enter();
        let memory = client().buffer(24 * MIB as u64).unwrap();
        parent.say(0);
        parent.hear();
        assert_eq!(memory.info().unwrap().resident, 24 * MIB as u64);
        parent.say(0);
        parent.hear();
    });
    holder.hear();
    assert!(group.charged() >= 24 * MIB as u64);
    group.limit(40 * MIB as u64);
    let eater = Child::fork(|_| {
        group.enter();
        // By this name run.sh knows that the kernel's report is no mistake.
        set_name(c"wanted-oom").unwrap();
        let more = Mapping::anonymous(64 * MIB).unwrap();
        (0..64 * MIB).step_by(PAGE).for_each(|place| more.store_u64(place, 1));
    });
    assert_eq!(eater.end(), End::Killed(Signal::KILL));
    assert_eq!(group.events("oom_kill"), 1);
    // It has what it had, since nobody counts that as its size.
    holder.say(0);
    holder.hear();
    // Killed itself, it gives all of it back.
    holder.kill();
    eventually("the memory is given back", || group.charged() < 4 * MIB as u64);
}
