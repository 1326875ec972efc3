//! `cargo xtask codegen`: the files that are made from the program, so that readers need not build it.

use std::fs;

use crate::process::{self, cargo};

const DOCUMENT: &str = "docs/openapi.json";

/// What to do with the generated files.
#[derive(clap::Args)]
pub(crate) struct Codegen {
    /// Write nothing; fail when a file is not what the program says
    #[arg(long)]
    pub(crate) check: bool,
}

impl Codegen {
    /// Fails when the program has no document to give, and with `check` when the stored one differs.
    pub(crate) fn run(&self) -> Result<(), String> {
        // Built apart, so that the compiler has the terminal for what it says.
        process::run(cargo().args(["build", "--locked", "--package", "clerk-sync"]))?;
        let mut print = cargo();
        print.args(["run", "--quiet", "--locked", "--package", "clerk-sync"]);
        let made = process::capture(print.args(["--", "openapi"]))?;
        let made = document(&made)?;
        let path = process::root().join(DOCUMENT);
        if self.check {
            let stored = fs::read_to_string(&path)
                .map_err(|error| format!("cannot read {DOCUMENT}: {error}; {REMEDY}"))?;
            return compare(&stored, &made);
        }
        fs::write(&path, made).map_err(|error| format!("cannot write {DOCUMENT}: {error}"))?;
        println!("codegen: wrote {DOCUMENT}");
        Ok(())
    }
}

const REMEDY: &str = "run `cargo xtask codegen` and commit the result";

/// The printed text with exactly one line break at its end, refused unless it is an OpenAPI document.
fn document(printed: &str) -> Result<String, String> {
    let value: serde_json::Value = serde_json::from_str(printed)
        .map_err(|error| format!("`clerk-sync openapi` printed no JSON: {error}"))?;
    if value.get("openapi").is_none() {
        return Err("`clerk-sync openapi` printed JSON without an `openapi` version".to_owned());
    }
    Ok(format!("{}\n", printed.trim_end()))
}

/// Names the first line that differs.
fn compare(stored: &str, made: &str) -> Result<(), String> {
    if stored == made {
        println!("codegen: {DOCUMENT} is what the program says");
        return Ok(());
    }
    let (mut old, mut new) = (stored.lines(), made.lines());
    let mut number = 0;
    let (old, new) = loop {
        number += 1;
        match (old.next(), new.next()) {
            (None, None) => break (None, None),
            (old, new) if old != new => break (old, new),
            _ => {}
        }
    };
    let show = |line: Option<&str>| {
        line.map_or("the end of the file".to_owned(), |line| {
            format!("`{}`", line.trim())
        })
    };
    Err(format!(
        "{DOCUMENT} is out of date from line {number} on: it has {}, the program says {}; {REMEDY}",
        show(old),
        show(new)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_prints_nothing_gives_no_document() {
        assert!(document("").unwrap_err().contains("no JSON"));
        assert!(document("{\"paths\":{}}").unwrap_err().contains("openapi"));
    }

    #[test]
    fn a_document_ends_with_one_line_break() {
        assert_eq!(
            document("{\"openapi\":\"3.1.0\"}").unwrap(),
            "{\"openapi\":\"3.1.0\"}\n"
        );
    }

    #[test]
    fn the_first_difference_is_named() {
        compare("{\n}\n", "{\n}\n").unwrap();
        let error = compare("{\n  \"a\": 1\n}\n", "{\n  \"a\": 2\n}\n").unwrap_err();
        assert!(
            error.contains("line 2 on: it has `\"a\": 1`, the program says `\"a\": 2`"),
            "{error}"
        );
        let error = compare("{\n", "{\n}\n").unwrap_err();
        assert!(
            error.contains("line 2 on: it has the end of the file"),
            "{error}"
        );
    }
}
