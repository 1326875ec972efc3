//! The process's environment, and a `.env` file beside it.

use std::collections::HashMap;
use std::path::Path;

/// Answers variables from the environment, else from the `.env` file in `folder`. An unreadable or broken file is
/// reported as text and read as far as it goes.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub fn environment(folder: &Path) -> (impl Fn(&str) -> Option<String>, Option<String>) {
    let path = folder.join(".env");
    let mut from_file = HashMap::new();
    let mut trouble = None;
    if path.exists() {
        match dotenvy::from_path_iter(&path) {
            Err(_) => trouble = Some(format!("{} cannot be read", path.display())),
            Ok(lines) => {
                for line in lines {
                    match line {
                        Ok((name, value)) => {
                            from_file.insert(name, value);
                        }
                        // The parser's message quotes the line, which may hold a secret.
                        Err(_) => {
                            trouble = Some(format!(
                                "{} has a line that is not NAME=value",
                                path.display()
                            ))
                        }
                    }
                }
            }
        }
    }
    (
        move |name: &str| {
            std::env::var(name)
                .ok()
                .or_else(|| from_file.get(name).cloned())
        },
        trouble,
    )
}
