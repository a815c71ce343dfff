// SPDX-License-Identifier: MIT OR Apache-2.0

//! Calls with every parameter at and around its edges, against what the rules say.

use std::os::fd::{AsFd, AsRawFd};

use fastrand::Rng;
use iomd::Errno;
use iomd_pure::remap::{self, Inheritance, Protection, Protections, RemapError, Source};
use iomd_sys::{
    IOMD_REMAP, IOMD_REMAP_COPY, IOMD_REMAP_PROTECTIONS, IOMD_VM_FLAGS_ANYWHERE,
    IOMD_VM_FLAGS_RETURN_DATA_ADDR, iomd_remap,
};
use rustix::mm::{MprotectFlags, MremapFlags};

use super::{FAR, Own, TAG, limit, memfd, private, shared};
use crate::support::{PAGE, Region, painted, raw};

const CASES: usize = 400;
const STEP: u64 = PAGE as u64;
/// The end of those that are looked through.
const LIMIT: u64 = (1 << 47) - STEP;

/// Where the source is, and nothing beside it.
const ROW: usize = 0x30_0000_0000;
/// The source: a page of each kind, and one that is none.
const KINDS: [Option<Kind>; 6] = [
    Some(Kind { cur: 3, max: 7, file: false }),
    Some(Kind { cur: 1, max: 7, file: false }),
    None,
    Some(Kind { cur: 3, max: 7, file: true }),
    Some(Kind { cur: 1, max: 1, file: false }),
    Some(Kind { cur: 3, max: 7, file: false }),
];
/// The pages of the target that are occupied.
const OCCUPIED: [u64; 3] = [2, 3, 7];

struct Kind {
    cur: u32,
    max: u32,
    file: bool,
}

/// The source's pages, one after the other.
fn source() -> Region {
    let row = Region::at(ROW, KINDS.len() * PAGE);
    let map = painted(1, TAG + 4).map().read_only(true).keep(true).create().unwrap();
    let parts = [
        (0, private(2, TAG)),
        (3, shared(memfd(1, TAG + 3), 0, 1)),
        (4, Region::from(map.mmap().unwrap())),
        (5, private(1, TAG + 5)),
    ];
    for (first, part) in parts {
        let at = row.pages(first..first + part.len() / PAGE);
        part.remap(part.len(), MremapFlags::MAYMOVE, Some(at)).unwrap();
    }
    row.pages(1..2).protect(MprotectFlags::READ).unwrap();
    row
}

/// What is to come of a call: where the first page is, and what holds for all.
fn expected(call: &iomd_remap, row: Region) -> Result<(u64, Protections), Errno> {
    let copy = call.flags & IOMD_REMAP_COPY != 0;
    let inheritance = Inheritance::new(call.inheritance, copy).map_err(errno)?;
    let wanted = if call.flags & IOMD_REMAP_PROTECTIONS != 0 {
        Some(Protections::wanted(call.cur_protection, call.max_protection).map_err(errno)?)
    } else {
        None
    };
    let whole = call.vm_flags & IOMD_VM_FLAGS_RETURN_DATA_ADDR != 0;
    let pages = Source::new(call.source_address, call.length, whole).map_err(errno)?;

    let mut kinds = Vec::new();
    for address in (pages.start..pages.end()).step_by(PAGE) {
        let index = address.checked_sub(row.address() as u64).map(|offset| offset / STEP);
        let kind = index.and_then(|index| KINDS.get(index as usize)?.as_ref());
        kinds.push(kind.ok_or(Errno::FAULT)?);
    }
    let mut all = Protections::ALL;
    for kind in kinds {
        let max = Protection::new(kind.max).unwrap();
        let has = Protections { cur: Protection::new(kind.cur).unwrap(), max };
        let is_inherited = inheritance != Inheritance::None;
        let is_natural = wanted.is_none_or(|wanted| wanted.max == max);
        let runs = if copy {
            wanted.is_none() && max == Protection::ALL && is_inherited
        } else {
            kind.file && is_natural && is_inherited
        };
        let possible = if runs { Protection::ALL } else { Protection::READ | Protection::WRITE };
        all = all.and(has.granted(wanted, copy, possible).map_err(errno)?);
    }

    let start = if call.vm_flags & IOMD_VM_FLAGS_ANYWHERE != 0 {
        let limits = remap::LOWEST..LIMIT;
        remap::first_fit(call.target_address, pages.length, call.mask, limits, |address| {
            let begins = OCCUPIED.map(|page| FAR + page * STEP);
            let begin = begins.into_iter().find(|begin| begin + STEP > address)?;
            Some((begin, begin + STEP))
        })
    } else {
        remap::fixed(call.target_address, pages.length, call.mask, limit())
    };
    let start = start.map_err(errno)?;
    let is_free = OCCUPIED
        .map(|page| FAR + page * STEP)
        .iter()
        .all(|&begin| begin + STEP <= start || begin >= start + pages.length);
    if is_free { Ok((start, all)) } else { Err(Errno::NOSPC) }
}

fn errno(error: RemapError) -> Errno {
    match error {
        RemapError::Argument => Errno::INVAL,
        RemapError::Address => Errno::FAULT,
        RemapError::NoSpace => Errno::NOSPC,
        RemapError::Protection => Errno::ACCESS,
        RemapError::Unsupported => Errno::OPNOTSUPP,
    }
}

/// One of the values, and more often than not the first.
fn pick<T: Copy>(rng: &mut Rng, values: &[T]) -> T {
    if rng.u8(..3) == 0 { values[rng.usize(..values.len())] } else { values[0] }
}

fn case(rng: &mut Rng, own: &Own, row: Region) -> iomd_remap {
    let task = own.task.as_fd().as_raw_fd();
    let base = row.address() as u64;
    let offset = rng.u64(..7) * STEP;
    let within = pick(rng, &[0, 1, STEP / 2, STEP - 1]);
    let sizes =
        [STEP, 1, STEP - 1, STEP + 1, 2 * STEP, 2 * STEP + 1, 3 * STEP, 0, 1 << 47, u64::MAX];
    let masks = [0, STEP - 1, STEP, 2 * STEP - 1, 4 * STEP - 1, 5 * STEP, 1 << 46, u64::MAX];
    let near =
        [FAR + 4 * STEP, FAR, FAR + STEP, FAR + 2 * STEP, FAR + 6 * STEP, FAR + 7 * STEP + 1];
    let far = [LIMIT - STEP, LIMIT, limit(), limit() - STEP, u64::MAX - STEP + 1, u64::MAX];
    let target =
        if rng.u8(..5) == 0 { far[rng.usize(..far.len())] } else { near[rng.usize(..near.len())] };
    iomd_remap {
        size: raw::size::<iomd_remap>(),
        flags: pick(rng, &[0, 1, 2, 3]),
        vm_flags: (rng.u32(..2) * IOMD_VM_FLAGS_ANYWHERE)
            | (rng.u32(..2) * IOMD_VM_FLAGS_RETURN_DATA_ADDR),
        inheritance: [0, 2, 0, 2, 1, 3][rng.usize(..6)],
        target_task: task,
        source_task: task,
        target_address: target,
        length: pick(rng, &sizes),
        mask: pick(rng, &masks),
        source_address: base + offset + within,
        cur_protection: pick(rng, &[1, 0, 2, 3, 4, 5, 8]),
        max_protection: pick(rng, &[3, 0, 1, 5, 7, 8]),
        deadline_ns: 0,
    }
}

#[test]
fn every_parameter_at_its_edges() {
    let own = Own::new();
    let row = source();
    let occupied = OCCUPIED.map(|page| Region::at((FAR + page * STEP) as usize, PAGE));
    for region in occupied {
        region.fill().unwrap();
        region.write(0, 3 * TAG);
    }
    let mut rng = Rng::with_seed(7);
    let mut done = 0;
    for number in 0..CASES {
        let before = case(&mut rng, &own, row);
        let expected = expected(&before, row);
        let mut call = before;
        match raw::call(&own.client, IOMD_REMAP, &mut call) {
            Err(errno) => {
                assert_eq!(Err(errno), expected.map(drop), "case {number}: {before:x?}");
                assert_eq!(call, before, "case {number}");
            }
            Ok(()) => {
                let (start, all) = expected.unwrap_or_else(|errno| {
                    panic!("case {number} is not refused ({errno}): {before:x?}")
                });
                let exact = before.vm_flags & IOMD_VM_FLAGS_RETURN_DATA_ADDR != 0;
                let pages = Source::new(before.source_address, before.length, exact).unwrap();
                assert_eq!(call.target_address, start + pages.misalignment, "{before:x?}");
                let protections = (call.cur_protection, call.max_protection);
                assert_eq!(protections, (all.cur.bits(), all.max.bits()), "{before:x?}");
                let alias = Region::at(start as usize, pages.length as usize);
                let first = (pages.start - row.address() as u64) / STEP;
                if all.cur.has(Protection::READ) {
                    for page in 0..pages.length / STEP {
                        let word = alias.read((page * STEP) as usize);
                        assert_eq!(word, TAG + first + page, "{before:x?}");
                    }
                }
                alias.unmap().unwrap();
                done += 1;
            }
        }
    }
    assert!(done >= CASES / 8, "only {done} of {CASES} were done");
    for region in occupied {
        assert_eq!(region.read(0), 3 * TAG);
        region.unmap().unwrap();
    }
    super::unmap([row.pages(0..2), row.pages(3..6)]);
}
