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

/// The names of all commands, as the help lists them.
fn commands() -> Vec<String> {
    let help = String::from_utf8(iomdctl(&["--help"]).stdout).unwrap();
    let (_, list) = help.split_once("Commands:\n").expect("a list of commands");
    let (list, _) = list.split_once("\n\n").expect("an end of the list");
    let names = list.lines().map(|line| line.split_whitespace().next().unwrap().to_owned());
    names.collect()
}

#[test]
fn bash_completes_with_the_script() {
    let complete = |words: &str| {
        let last = words.rsplit(' ').next().unwrap();
        let script = format!(
            "source <(\"$0\" completions bash)
             complete -p iomdctl
             COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
             _iomdctl iomdctl '{last}' ''
             echo \"${{COMPREPLY[@]}}\""
        );
        let output = Command::new("bash")
            .args(["-c", &script, env!("CARGO_BIN_EXE_iomdctl")])
            .output()
            .expect("there is bash");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        let text = String::from_utf8(output.stdout).unwrap();
        let (complete, words) = text.split_once('\n').unwrap();
        assert!(complete.contains("-F _iomdctl"), "{complete}");
        words.trim().to_owned()
    };
    assert_eq!(complete("iomdctl susp"), "suspend");
    assert_eq!(complete("iomdctl trace --ev"), "--event");
    assert_eq!(complete("iomdctl top --so"), "--sort");
}

#[test]
fn every_shell_has_a_script_that_names_all_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let output = iomdctl(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0));
        let script = String::from_utf8(output.stdout).unwrap();
        for command in commands() {
            assert!(script.contains(&command), "{shell}: {command}");
        }
    }
    assert_eq!(iomdctl(&["completions", "cmd.exe"]).status.code(), Some(2));
}

#[test]
fn the_manual_has_all_commands() {
    let page = String::from_utf8(iomdctl(&["man"]).stdout).unwrap();
    assert!(page.contains(".SH NAME\n") && page.contains("Exit status"), "{page}");
    let directory = tempfile::tempdir().unwrap();
    let output = iomdctl(&["man", directory.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    for command in commands().iter().filter(|command| *command != "help") {
        assert!(page.contains(&format!("iomdctl\\-{command}(1)")), "{command}");
        let page = directory.path().join(format!("iomdctl-{command}.1"));
        assert!(std::fs::read_to_string(page).unwrap().contains(".SH SYNOPSIS"), "{command}");
    }
    assert!(directory.path().join("iomdctl.1").exists());
    assert_eq!(iomdctl(&["man", "/nonexistent/directory"]).status.code(), Some(1));
}
