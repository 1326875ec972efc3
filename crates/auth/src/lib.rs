//! Turns a request's token into verified session claims, or into a refusal with a reason.
