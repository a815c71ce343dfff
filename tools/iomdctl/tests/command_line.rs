// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the program says, and how it exits, where there is no device.

use std::process::{Command, Output};

use serde_json::Value;

fn iomdctl(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_iomdctl")).args(arguments).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn without_the_device_the_status_is_3_and_the_message_names_it() {
    let output = iomdctl(&["--device", "/nonexistent/iomd", "list"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(output.stdout, b"");
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.starts_with("iomdctl: cannot open /nonexistent/iomd: "), "{message}");
    assert!(message.contains("the module iomd is not loaded"), "{message}");
}

#[test]
fn an_error_is_json_where_json_is_asked_for() {
    let output = iomdctl(&["--device", "/nonexistent/iomd", "--json", "info"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(output.stderr, b"");
    let error = &json(&output)["error"];
    assert_eq!((error["errno"].as_i64(), error["status"].as_i64()), (Some(2), Some(3)));
}

#[test]
fn wrong_arguments_are_status_2() {
    assert_eq!(iomdctl(&["redirect", "1"]).status.code(), Some(2));
    let output = iomdctl(&["--json", "redirect", "1", "2", "--offset", "some"]);
    assert_eq!(output.status.code(), Some(2));
    let error = &json(&output)["error"];
    assert_eq!((error["errno"].is_null(), error["status"].as_i64()), (true, Some(2)));
    assert!(error["message"].as_str().unwrap().contains("--offset"));
}

#[test]
fn help_is_no_error_and_tells_the_statuses() {
    let output = iomdctl(&["--json", "--help"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().contains("Exit status:"));
}

#[test]
fn a_file_that_is_no_device_is_refused() {
    let output = iomdctl(&["--device", "/dev/null", "--json", "info"]);
    assert_eq!(output.status.code(), Some(1));
    let message = json(&output)["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("the file is not an object of that kind"), "{message}");
}
