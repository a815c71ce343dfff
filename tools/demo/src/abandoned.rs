// SPDX-License-Identifier: MIT OR Apache-2.0

//! Suspensions whose controller is killed.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use iomd::Map;
use rustix::process::Signal;

use crate::assistant_process::AssistantProcess;
use crate::message::{Policy, Task};
use crate::owner_process::OwnerProcess;
use crate::report::{Abandoned, Milliseconds};
use crate::source::Source;

/// How long anything may take that is sure to happen.
const LIMIT: Duration = Duration::from_secs(60);

/// Has controllers killed in mid-suspension, one for each policy.
pub fn abandoned(
    owner: &mut OwnerProcess,
    source: &Source,
    assistant: &dyn Fn() -> Command,
    tell: &dyn Fn(String),
) -> Result<Vec<Abandoned>> {
    let mut all = Vec::new();
    for policy in [Policy::Stay, Policy::Resume, Policy::Sigbus] {
        let settled_in = match policy {
            Policy::Stay => stay(owner, source, assistant),
            Policy::Resume => resume(owner, source, assistant),
            Policy::Sigbus => sigbus(owner, source, assistant),
        };
        let settled_in = settled_in.with_context(|| format!("abandoned, with policy {policy}"))?;
        tell(format!(
            "controller killed in mid-suspension, policy {policy}: {} {}",
            policy.outcome(),
            Milliseconds(settled_in),
        ));
        all.push(Abandoned { policy, settled_in });
    }
    Ok(all)
}

/// A process that has suspended the map.
fn controller(
    assistant: &dyn Fn() -> Command,
    policy: Policy,
    map: &Map,
) -> Result<AssistantProcess> {
    let mut controller =
        AssistantProcess::start(assistant(), Task::Suspend(policy), map.reopen()?)?;
    controller.done()?;
    Ok(controller)
}

/// Waits until somebody waits on the map, then kills who suspended it. Tells when that was.
fn kill_in_suspension(controller: AssistantProcess, map: &Map) -> Result<Instant> {
    ensure!(map.wait_for_waiter(Some(LIMIT))?, "nobody waits");
    let killed = Instant::now();
    controller.kill()?;
    Ok(killed)
}

fn stay(
    owner: &mut OwnerProcess,
    source: &Source,
    assistant: &dyn Fn() -> Command,
) -> Result<Duration> {
    let controller = controller(assistant, Policy::Stay, &source.map)?;
    let killed = kill_in_suspension(controller, &source.map)?;
    let info = source.map.info()?;
    ensure!(info.suspended && !info.expired && info.waiters > 0, "nobody waits any more");
    source.map.resume()?;
    owner.progress(1)?;
    Ok(killed.elapsed())
}

fn resume(
    owner: &mut OwnerProcess,
    source: &Source,
    assistant: &dyn Fn() -> Command,
) -> Result<Duration> {
    let controller = controller(assistant, Policy::Resume, &source.map)?;
    let killed = kill_in_suspension(controller, &source.map)?;
    ensure!(!source.map.info()?.suspended, "the map was not resumed");
    owner.progress(1)?;
    Ok(killed.elapsed())
}

/// With a map of its own, since a process ends by SIGBUS, and the database is to stay.
fn sigbus(
    owner: &mut OwnerProcess,
    source: &Source,
    assistant: &dyn Fn() -> Command,
) -> Result<Duration> {
    let map = source.descriptor.map().unique(true).create()?;
    let controller = controller(assistant, Policy::Sigbus, &map)?;
    let reader = AssistantProcess::start(assistant(), Task::Read, map.reopen()?)?;
    let killed = kill_in_suspension(controller, &map)?;
    let end = reader.end()?;
    let settled_in = killed.elapsed();
    ensure!(end.signal() == Some(Signal::BUS.as_raw()), "the reader ended otherwise: {end}");
    ensure!(map.info()?.expired, "the map is not as after a deadline");

    map.resume()?;
    AssistantProcess::start(assistant(), Task::Read, map.reopen()?)?.done()?;
    owner.progress(1)?;
    Ok(settled_in)
}
