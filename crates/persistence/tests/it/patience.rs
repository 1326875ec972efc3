//! Waiting for a condition, never for a time.

use std::time::Duration;

/// Asks until the answer is yes.
///
/// # Panics
/// When it has not come after ten seconds.
pub(crate) async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    let asking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let answer = tokio::time::timeout(Duration::from_secs(10), asking).await;
    assert!(answer.is_ok(), "never came: {what}");
}
