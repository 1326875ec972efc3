//! What a person reads.
#![expect(clippy::print_stderr, reason = "printing is what these are for")]

use std::error::Error;
use std::io::{ErrorKind, Write as _};

/// A line for whoever runs the command. Who has heard enough may leave: `clerk-sync reconcile | head`.
pub(super) fn line(text: impl AsRef<str>) {
    if let Err(error) = writeln!(std::io::stdout(), "{}", text.as_ref())
        && error.kind() != ErrorKind::BrokenPipe
    {
        eprintln!("clerk-sync: standard output cannot be written: {error}");
    }
}

/// Why the command failed, with its causes, on standard error.
pub(super) fn failure(failure: &(dyn Error + Send + Sync)) {
    let mut text = format!("clerk-sync: {failure}");
    let mut next = failure.source();
    while let Some(cause) = next {
        text.push_str(&format!("\n  because {cause}"));
        next = cause.source();
    }
    eprintln!("{text}");
}

/// Something worth knowing that does not stop the command, on standard error.
pub(super) fn warning(text: impl AsRef<str>) {
    eprintln!("clerk-sync: {}", text.as_ref());
}

/// A line that is no result, on standard error.
pub(super) fn note(text: impl AsRef<str>) {
    eprintln!("{}", text.as_ref());
}
