// SPDX-License-Identifier: MIT OR Apache-2.0

//! The table on a terminal, sorted anew at a key.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::style::{Attribute, Print, SetAttribute};
use crossterm::terminal::{
    self, Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{execute, queue};
use iomd::Client;
use signal_hook::consts::{SIGHUP, SIGTERM};

use super::Table;
use super::sample::{self, Sample};
use crate::arguments::{SortBy, Top};

const KEYS: &str = "q quit; sort by i id, m maps, w waiters, l longest wait, r redirects, f faults";

/// How long a signal may go unnoticed.
const ATTENTION: Duration = Duration::from_millis(500);

pub fn run(client: &Client, arguments: &Top) -> Result<()> {
    // A signal that would kill it would leave the terminal as it is now.
    let killed = Arc::new(AtomicBool::new(false));
    for signal in [SIGHUP, SIGTERM] {
        signal_hook::flag::register(signal, killed.clone())?;
    }
    let mut sort = arguments.sort;
    let (mut before, mut now) = (Sample::take(client)?, None);
    let _screen = Screen::enter()?;
    let mut next = Instant::now() + arguments.interval;
    loop {
        // Before the first interval is over there are no rates yet.
        draw(&Table::new(&before, now.as_ref().unwrap_or(&before), sort))?;
        match wait(next, &killed)? {
            Some(Wish::Quit) => return Ok(()),
            Some(Wish::Sort(by)) => sort = by,
            Some(Wish::Redraw) => {}
            None => {
                let sample = Sample::take(client)?;
                if let Some(last) = now.replace(sample) {
                    before = last;
                }
                next = Instant::now() + arguments.interval;
            }
        }
    }
}

/// What a key asks for.
enum Wish {
    Sort(SortBy),
    Redraw,
    Quit,
}

/// Waits for a key that means something, until then.
fn wait(until: Instant, killed: &AtomicBool) -> Result<Option<Wish>> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if killed.load(Ordering::Relaxed) {
            return Ok(Some(Wish::Quit));
        }
        if event::poll(left.min(ATTENTION)).context("cannot read the terminal")? {
            match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => {
                    if let Some(wish) = wish(key) {
                        return Ok(Some(wish));
                    }
                }
                Event::Resize(..) => return Ok(Some(Wish::Redraw)),
                _ => {}
            }
        } else if left <= ATTENTION {
            return Ok(None);
        }
    }
}

fn wish(key: KeyEvent) -> Option<Wish> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return (key.code == KeyCode::Char('c')).then_some(Wish::Quit);
    }
    Some(match key.code {
        KeyCode::Char('q') | KeyCode::Esc => Wish::Quit,
        KeyCode::Char('i') => Wish::Sort(SortBy::Id),
        KeyCode::Char('m') => Wish::Sort(SortBy::Maps),
        KeyCode::Char('w') => Wish::Sort(SortBy::Waiters),
        KeyCode::Char('l') => Wish::Sort(SortBy::Wait),
        KeyCode::Char('r') => Wish::Sort(SortBy::Redirects),
        KeyCode::Char('f') => Wish::Sort(SortBy::Faults),
        _ => return None,
    })
}

/// Draws as much as there is room for.
fn draw(table: &Table) -> Result<()> {
    let (width, height) = terminal::size().context("cannot tell how large the terminal is")?;
    let cut = |line: String| line.chars().take(width.into()).collect::<String>();
    let mut out = io::stdout().lock();
    queue!(
        out,
        MoveTo(0, 0),
        Print(cut(table.totals.to_string())),
        Clear(ClearType::UntilNewLine)
    )?;
    queue!(out, MoveTo(0, 1), SetAttribute(Attribute::Reverse))?;
    queue!(out, Print(cut(format!("{:<1$}", sample::head(table.sort), usize::from(width)))))?;
    queue!(out, SetAttribute(Attribute::Reset))?;
    for (line, row) in (2..height.saturating_sub(1)).zip(&table.objects) {
        queue!(out, MoveTo(0, line), Print(cut(row.to_string())), Clear(ClearType::UntilNewLine))?;
    }
    let rows = u16::try_from(table.objects.len()).unwrap_or(u16::MAX);
    if rows < height.saturating_sub(3) {
        queue!(out, MoveTo(0, rows + 2), Clear(ClearType::FromCursorDown))?;
    }
    queue!(out, MoveTo(0, height.saturating_sub(1)), Print(cut(KEYS.into())))?;
    queue!(out, Clear(ClearType::UntilNewLine))?;
    Ok(out.flush()?)
}

/// The terminal in a state of its own, which ends when this is dropped.
struct Screen;

impl Screen {
    fn enter() -> Result<Self> {
        enable_raw_mode().context("cannot have single keys from the terminal")?;
        let screen = Self;
        execute!(io::stdout(), EnterAlternateScreen, Hide)?;
        Ok(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // There is nobody to tell.
        let _ = execute!(io::stdout(), Show, LeaveAlternateScreen);
        let _ = disable_raw_mode();
    }
}
