// SPDX-License-Identifier: MIT OR Apache-2.0

//! The names of flags, as they are printed.

use iomd::{CacheMode, MapOptions};

/// The names of flags.
pub fn names<T>(flags: impl Iterator<Item = (&'static str, T)>) -> Vec<String> {
    flags.map(|(name, _)| name.to_lowercase().replace('_', "-")).collect()
}

/// The names of a map's options, with its cache mode if it is not the default.
pub fn option_names(options: MapOptions) -> Vec<String> {
    let mode = options.cache_mode().filter(|mode| *mode != CacheMode::Default);
    let mut names = names(options.iter_names());
    names.extend(mode.map(|mode| mode.to_string()));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_cache_mode_is_not_named() {
        let options = MapOptions::ANYWHERE | MapOptions::READ_ONLY;
        assert_eq!(option_names(options), ["anywhere", "read-only"]);
        let options = options.with_cache_mode(CacheMode::Copyback);
        assert_eq!(option_names(options), ["anywhere", "read-only", "copyback-cache"]);
    }
}
