//! What sign-ins and sign-ups by a provider have in common.

use super::form::Form;
use super::handshake::safe_url;
use crate::denial::Denial;
use crate::instance::Instance;
use crate::instance::social::Ways;
use crate::params::invalid;

/// Where the page wants to be sent afterwards; both addresses are checked. The second may be relative to the first, and
/// is the first unless told.
pub(super) fn ways(instance: &Instance, form: &Form) -> Result<Ways, Denial> {
    let expected = "an absolute http address of this machine";
    let name = "redirect_url";
    let redirect = safe_url(instance, &form.required(name)?);
    let redirect = redirect.ok_or_else(|| invalid(name, expected))?;
    let name = "action_complete_redirect_url";
    let complete = match form.some(name)? {
        None => redirect.clone(),
        Some(text) => {
            let joined = redirect.join(&text).ok();
            let safe = joined.and_then(|url| safe_url(instance, url.as_str()));
            safe.ok_or_else(|| invalid(name, "an http address of this machine"))?
        }
    };
    Ok(Ways {
        redirect_url: redirect.into(),
        complete_url: complete.into(),
    })
}
