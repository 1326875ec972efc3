//! What this program was built from; `build.rs` beside `Cargo.toml` finds it out.

/// The version, as in `Cargo.toml`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit, 12 hexadecimal digits; what `CLERK_SYNC_COMMIT` said where there was no repository; else `unknown`.
pub const COMMIT: &str = env!("CLERK_SYNC_BUILT_COMMIT");
/// The machine it was built for, such as `x86_64-unknown-linux-gnu`.
pub const TARGET: &str = env!("CLERK_SYNC_BUILT_TARGET");
/// The profile's folder: `debug`, `release` or `dist`.
pub const PROFILE: &str = env!("CLERK_SYNC_BUILT_PROFILE");

/// All of it on one line, as `clerk-sync --version` says it after the name.
pub(crate) const LINE: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (commit ",
    env!("CLERK_SYNC_BUILT_COMMIT"),
    ", ",
    env!("CLERK_SYNC_BUILT_TARGET"),
    ", ",
    env!("CLERK_SYNC_BUILT_PROFILE"),
    ")"
);
