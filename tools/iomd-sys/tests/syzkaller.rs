// SPDX-License-Identifier: MIT OR Apache-2.0

//! The description of the calls for syzkaller is of this header.

use std::collections::BTreeMap;

const HEADER: &str = include_str!("../../../include/uapi/linux/iomd.h");
const DESCRIPTION: &str = include_str!("../../syzkaller/dev_iomd.txt");
const CONSTANTS: &str = include_str!("../../syzkaller/dev_iomd.txt.const");

/// The header without its comments.
fn header() -> String {
    let mut parts = HEADER.split("/*");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| text + part.split_once("*/").expect("its end").1)
}

/// What the header defines, and as what.
fn definitions() -> Vec<(String, String)> {
    let text = header();
    let lines = text.lines().filter_map(|line| line.strip_prefix("#define IOMD_"));
    lines
        .map(|line| {
            let (name, value) = line.split_once(char::is_whitespace).expect("a value");
            (format!("IOMD_{name}"), value.trim().to_owned())
        })
        .collect()
}

/// The calls, and what is added to the type's number.
fn calls() -> Vec<(String, u64)> {
    let all = definitions().into_iter().filter_map(|(name, value)| {
        let number = value.strip_prefix("_IO(IOMD_IOC_TYPE, 0x")?.strip_suffix(')')?;
        Some((name, u64::from_str_radix(number, 16).expect("a number")))
    });
    all.collect()
}

/// The members of each structure, which begins with such a line, with their types.
fn structures(
    text: &str,
    begins: impl Fn(&str) -> Option<&str>,
    member: impl Fn(&str) -> Option<(String, usize)>,
) -> BTreeMap<String, Vec<(String, usize)>> {
    let mut all = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = begins(line) {
            let members = lines.by_ref().take_while(|line| !line.starts_with('}'));
            all.insert(name.to_owned(), members.filter_map(&member).collect());
        }
    }
    all
}

/// The bytes of a type of the description.
fn width(kind: &str) -> usize {
    let kind = kind.trim_end_matches(" (out)");
    let eight = ["int64]", "ptr64["].iter().any(|mark| kind.contains(mark))
        || ["int64", "vma64", "iomd_id"].contains(&kind);
    let four =
        kind.ends_with("int32]") || kind == "int32" || kind == "pid" || kind.starts_with("fd_");
    assert!(eight != four, "{kind}");
    if eight { 8 } else { 4 }
}

#[test]
fn every_call_is_described() {
    let calls = calls();
    assert!(calls.len() > 40);
    for (name, number) in &calls {
        let file = match number {
            0..0x20 => "fd_iomd",
            0x20..0x40 => "fd_iomd_descriptor",
            0x40..0x60 => "fd_iomd_map",
            _ => "fd_iomd_task",
        };
        let argument = name.to_lowercase();
        let line =
            format!("ioctl${name}(fd {file}, cmd const[{name}], arg ptr[inout, {argument}])");
        assert!(DESCRIPTION.lines().any(|other| other == line), "there is no line: {line}");
    }
    let described = DESCRIPTION.lines().filter(|line| line.starts_with("ioctl$")).count();
    assert_eq!(described, calls.len());
}

#[test]
fn structures_are_as_long_and_have_the_same_members() {
    let declared = structures(
        &header(),
        |line| line.strip_prefix("struct ")?.strip_suffix(" {"),
        |line| {
            let (kind, name) = line.trim().strip_suffix(';')?.split_once(char::is_whitespace)?;
            let width = if kind.ends_with("64") { 8 } else { 4 };
            Some((name.trim().to_owned(), width))
        },
    );
    let described = structures(
        DESCRIPTION,
        |line| line.strip_suffix(" {"),
        |line| {
            let (name, kind) = line.trim().split_once('\t')?;
            Some((name.to_owned(), width(kind)))
        },
    );
    assert!(declared.len() > 40);
    assert_eq!(described, declared);
}

#[test]
fn constants_are_the_header_s() {
    let number = |text: &str| {
        let text = text.trim_end_matches('U');
        match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        }
    };
    let mut known: BTreeMap<_, _> = calls()
        .into_iter()
        .map(|(name, number)| (name, (u64::from(iomd_sys::IOMD_IOC_TYPE) << 8) | number))
        .collect();
    for (name, value) in definitions() {
        let shifted = value.strip_prefix("(1U << ").and_then(|rest| rest.strip_suffix(')'));
        if let Some(value) = shifted.map_or(number(&value), |bit| Some(1 << number(bit)?)) {
            known.insert(name, value);
        }
    }
    let both = iomd_sys::IOMD_DIRECTION_IN_OUT;
    known.insert("IOMD_DIRECTION_IN_OUT".to_owned(), both.into());
    let listed = CONSTANTS.lines().filter(|line| line.starts_with("IOMD_"));
    let mut count = 0;
    for line in listed {
        let (name, value) = line.split_once(" = ").expect("a value");
        assert_eq!(known.get(name), number(value).as_ref(), "{name}");
        assert!(DESCRIPTION.contains(name), "{name} is not used");
        count += 1;
    }
    let words = DESCRIPTION.split(|c: char| !c.is_alphanumeric() && c != '_');
    let used: std::collections::BTreeSet<_> =
        words.filter(|word| word.starts_with("IOMD_")).collect();
    assert_eq!(used.len(), count, "a constant for each");
}
