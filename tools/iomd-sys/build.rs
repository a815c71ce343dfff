// SPDX-License-Identifier: MIT OR Apache-2.0

//! Generates the ABI's types from the header that the kernel module's are generated from.

use std::path::PathBuf;
use std::process::Command;
use std::{env, process};

const HEADER: &str = "../../include/uapi/linux/iomd.h";

fn main() {
    println!("cargo::rerun-if-changed={HEADER}");
    println!("cargo::rerun-if-env-changed=BINDGEN");

    let program = env::var("BINDGEN").unwrap_or_else(|_| "bindgen".into());
    let directory = PathBuf::from(env::var_os("OUT_DIR").expect("Cargo sets OUT_DIR"));
    let status = Command::new(&program)
        .args(["--use-core", "--with-derive-default", "--with-derive-eq"])
        .args(["--allowlist-item", "(iomd|IOMD)_.*"])
        // The numbers of the calls are made by a macro that only a compiler can evaluate.
        .args(["--clang-macro-fallback", "--clang-macro-fallback-build-dir"])
        .arg(&directory)
        .arg("--output")
        .arg(directory.join("abi.rs"))
        .arg(HEADER)
        .status();
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => fail(&format!("{program} {HEADER}: {status}")),
        Err(error) => fail(&format!(
            "cannot run {program}: {error}. Install bindgen 0.71 or newer, or set BINDGEN to it"
        )),
    }
}

fn fail(message: &str) -> ! {
    eprintln!("{message}");
    process::exit(1)
}
