//! Speaks HTTP to people: a landing page, sign-in and sign-up around Clerk's own components, settings, and the desk of
//! administrators.
//!
//! In: requests of browsers, with the cookies that Clerk's front end writes. Out: whole pages, rendered here, that need no
//! script to be read. Pages read through the ports that `api` holds; what they change goes through the routes of `api`,
//! with a session token like any other program's, so that there is one set of rules. The crate will never know SQL, keys,
//! environment variables or sockets.
//!
//! Where to look: `entrance.rs` says who gets in and who is sent to Clerk, `frame.rs` what every page has, and each page is
//! a file.

mod admin;
mod arrival;
mod assets;
mod chart;
mod entrance;
mod failing;
mod frame;
mod landing;
mod origin;
mod pieces;
mod round;
mod settings;
mod settings_page;
mod sign_in;
mod sign_out;
mod target;

use api::Pages;

pub use settings::{ConsoleSettings, FrontendApi};

/// Every page, with what it needs.
#[must_use]
pub fn pages(settings: ConsoleSettings) -> Pages {
    Pages::drawing(failing::draw)
        .page("/", landing::page)
        .page("/sign-in", sign_in::sign_in)
        .page("/sign-up", sign_in::sign_up)
        .page("/settings", settings_page::page)
        .page("/admin", admin::overview::page)
        .page("/admin/users", admin::users::page)
        .page("/admin/users/{id}", admin::user::page)
        .page("/admin/organizations", admin::organizations::page)
        .page("/admin/deliveries", admin::deliveries::page)
        .page("/admin/drift", admin::drift::page)
        .page("/admin/audit", admin::audit::page)
        .form("/sign-out", sign_out::sign_out)
        .files("/assets/{file}", assets::file)
        .sharing(settings::Console::new(settings))
}
