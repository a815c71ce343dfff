// SPDX-License-Identifier: MIT OR Apache-2.0

//! `redirect`: switches the memory behind maps.

use anyhow::Result;
use iomd::{Access, Client};

use super::done::{Changed, Done};
use crate::arguments::{Redirect, Redirection};

pub fn run(client: &Client, arguments: &Redirect) -> Result<Done> {
    let &Redirect { map, descriptor, offset, ref and, refuse_pinned } = arguments;
    let mut redirections = vec![Redirection { map, descriptor, offset }];
    redirections.extend(and);
    let mut opened = Vec::new();
    for redirection in &redirections {
        let map = client.open_map(redirection.map)?;
        let descriptor = client.open_descriptor(redirection.descriptor, Access::ReadWrite)?;
        opened.push((map, descriptor, redirection.offset));
    }

    let (redirected, changed) = match &opened[..] {
        [(map, descriptor, offset)] => {
            let redirect = map.redirect(descriptor).offset(*offset);
            (redirect.refuse_pinned(refuse_pinned).run()?, Changed::Map(arguments.map))
        }
        several => {
            let batch = several.iter().fold(client.batch(), |batch, (map, descriptor, offset)| {
                batch.redirect_at(map, descriptor, *offset)
            });
            let maps = redirections.iter().map(|redirection| redirection.map).collect();
            (batch.refuse_pinned(refuse_pinned).run()?, Changed::Maps(maps))
        }
    };
    Ok(Done { changed, done: "redirected", pinned: Some(redirected.pinned) })
}
