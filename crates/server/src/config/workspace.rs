//! The assistant, and files of positions.

use std::num::NonZeroUsize;

use assistant::{AssistantConfig, AssistantConfigError, ChatCompletions};
use domain::workspace::ImportLimits;

use super::MIB;
use super::variables::Variables;

const URL: &str = "ASSISTANT_URL";
const KEY: &str = "ASSISTANT_API_KEY";
const MODEL: &str = "ASSISTANT_MODEL";

/// Problems of one file that are told at most.
const MOST_PROBLEMS: usize = 100;

/// Settings of the workspace.
#[derive(Debug, Clone)]
pub struct WorkspaceConfig {
    /// How to reach the assistant; `None` without one.
    pub assistant: Option<AssistantConfig>,
    /// The largest file of positions, in bytes.
    pub import_body_limit: usize,
    /// How much is taken and told of such a file.
    pub import: ImportLimits,
}

pub(super) fn read(vars: &mut Variables<'_>) -> WorkspaceConfig {
    let max_rows = vars.number("IMPORT_MAX_ROWS", 100_000, 1..=1_000_000);
    WorkspaceConfig {
        assistant: assistant(vars),
        import_body_limit: vars.number("IMPORT_BODY_LIMIT", 10 * MIB, 1..=1024 * MIB),
        import: ImportLimits {
            max_rows: NonZeroUsize::new(max_rows).unwrap_or(NonZeroUsize::MIN),
            max_problems: NonZeroUsize::new(MOST_PROBLEMS).unwrap_or(NonZeroUsize::MIN),
        },
    }
}

/// An assistant where there is a URL; what belongs to one and stands alone is a fault.
fn assistant(vars: &mut Variables<'_>) -> Option<AssistantConfig> {
    let (url, model, api_key) = (vars.text(URL), vars.text(MODEL), vars.secret_text(KEY));
    let Some(url) = url else {
        if model.is_some() || api_key.is_some() {
            vars.fault(
                URL,
                format!("is missing beside {MODEL} or {KEY}: set it, or none of them"),
            );
        }
        return None;
    };
    let config = AssistantConfig {
        api_key: api_key.map(Into::into),
        ..AssistantConfig::new(url, model.unwrap_or_default())
    };
    match ChatCompletions::new(&config) {
        Ok(_) => Some(config),
        Err(error) => {
            let variable = match error {
                AssistantConfigError::Model => MODEL,
                AssistantConfigError::Key => KEY,
                AssistantConfigError::Url
                | AssistantConfigError::KeyInTheOpen
                | AssistantConfigError::HttpClient => URL,
            };
            vars.fault(variable, error.to_string());
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::super::tests::{faulty, good, read, with};

    #[test]
    fn there_is_no_assistant_unless_one_is_named() {
        let workspace = read(&good()).unwrap().workspace;
        assert!(workspace.assistant.is_none());
        assert_eq!(workspace.import_body_limit, 10 * 1024 * 1024);
        assert_eq!(workspace.import.max_rows.get(), 100_000);
        let settings = with(&[
            ("ASSISTANT_URL", "https://llm.example/v1"),
            ("ASSISTANT_API_KEY", "sk-hunter2"),
            ("ASSISTANT_MODEL", "small"),
            ("IMPORT_BODY_LIMIT", "1000"),
            ("IMPORT_MAX_ROWS", "7"),
        ]);
        let config = read(&settings).unwrap();
        let assistant = config.workspace.assistant.as_ref().unwrap();
        assert_eq!(assistant.base_url, "https://llm.example/v1");
        assert_eq!(assistant.model, "small");
        let key = assistant.api_key.as_ref().unwrap();
        assert_eq!(key.expose_secret(), "sk-hunter2");
        assert_eq!(config.workspace.import_body_limit, 1000);
        assert_eq!(config.workspace.import.max_rows.get(), 7);
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn what_cannot_work_is_named() {
        let url = ("ASSISTANT_URL", "https://llm.example/v1");
        let model = ("ASSISTANT_MODEL", "small");
        for (settings, variable) in [
            (vec![model], "ASSISTANT_URL"),
            (vec![("ASSISTANT_API_KEY", "k")], "ASSISTANT_URL"),
            (vec![url], "ASSISTANT_MODEL"),
            (vec![("ASSISTANT_URL", "llm"), model], "ASSISTANT_URL"),
            (
                vec![
                    ("ASSISTANT_URL", "http://llm.example/v1"),
                    ("ASSISTANT_API_KEY", "k"),
                    model,
                ],
                "ASSISTANT_URL",
            ),
            (vec![("IMPORT_MAX_ROWS", "0")], "IMPORT_MAX_ROWS"),
            (vec![("IMPORT_BODY_LIMIT", "10MB")], "IMPORT_BODY_LIMIT"),
        ] {
            assert_eq!(faulty(&with(&settings)), [variable], "{settings:?}");
        }
    }
}
