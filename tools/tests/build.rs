// SPDX-License-Identifier: MIT OR Apache-2.0

//! Builds libiomd and its test programs, which the guest's tests call: each is a program with a main
//! function of its own, and linked in by another name.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const LIBRARY: &str = "../libiomd";

fn main() {
    println!("cargo::rerun-if-changed={LIBRARY}");
    println!("cargo::rerun-if-changed=../../include/uapi/linux/iomd.h");

    let out = PathBuf::from(env::var_os("OUT_DIR").expect("Cargo sets OUT_DIR"));
    let root = out.join("root");
    let made = Command::new("make")
        .args(["--silent", "-C", LIBRARY, "install", "PREFIX=", "CFLAGS=-O2 -g -Werror"])
        .arg(format!("OUT={}", out.join("libiomd").display()))
        .arg(format!("DESTDIR={}", root.display()))
        .env_remove("MAKEFLAGS")
        .status();
    assert!(made.is_ok_and(|status| status.success()), "libiomd cannot be built");

    let sources = fs::read_dir(Path::new(LIBRARY).join("tests")).expect("it has tests");
    let mut sources: Vec<_> = sources.map(|entry| entry.expect("a file").path()).collect();
    sources.sort();
    for source in sources {
        compile(&source, &root.join("include/iomd"));
    }
    println!("cargo::rustc-link-search=native={}", root.join("lib").display());
    println!("cargo::rustc-link-lib=static=iomd");
    // The compiler that links it all knows where that is.
    println!("cargo::rustc-link-lib=static:-bundle=stdc++");
}

fn compile(source: &Path, include: &Path) {
    let name = source.file_stem().and_then(|stem| stem.to_str()).expect("a plain name");
    let is_cpp = match source.extension().and_then(|extension| extension.to_str()) {
        Some("c") => false,
        Some("cc") => true,
        _ => return,
    };
    let mut build = cc::Build::new();
    build
        .file(source)
        .include(include)
        .define("main", format!("libiomd_{name}").as_str())
        .warnings(true)
        .extra_warnings(true)
        .warnings_into_errors(true)
        .flag("-pedantic")
        .std(if is_cpp { "c++17" } else { "gnu11" });
    if is_cpp {
        build.cpp(true).cpp_link_stdlib(None);
    }
    build.compile(&format!("libiomd_{name}"));
}
