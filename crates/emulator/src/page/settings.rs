//! Keys, and what each client must be told.

use maud::{Markup, html};

use super::view::View;
use crate::client_settings::{Client, Reached, SettingsFormat};
use crate::emulator::publishable_key;
use crate::instance::Instance;

pub(super) fn draw(instance: &Instance, client: Client, origin: &str) -> Markup {
    let secret = instance.webhook_secret();
    let pem = instance.key().public_pem();
    let reached = Reached {
        origin,
        webhook_secret: Some(&secret),
        jwt_key: Some(pem),
    };
    let written = SettingsFormat::Dotenv.write(&client.settings(reached));
    html! {
        h1 { "Settings" }
        section.card aria-labelledby="clients" {
            h2 #clients { "For a client" }
            nav.tabs aria-label="Clients" {
                @for it in Client::ALL {
                    a href=(View::Settings(it).address()) aria-current=[(it == client).then_some("true")] { (it.name()) }
                }
            }
            pre.code tabindex="0" data-copy { (written) }
            p.faint { "The same by " code { "clerk-sync emulator env --for " (client.name()) } "." }
        }
        section.card aria-labelledby="keys" {
            h2 #keys { "Keys and addresses" }
            dl {
                (entry("Publishable key", &publishable_key()))
                (entry("Secret key", crate::SECRET_KEY))
                (entry("Webhook secret", &secret))
                (entry("Backend API", &format!("{origin}/v1")))
                (entry("Frontend API", &format!("{origin}/__clerk")))
                (entry("Public keys", &format!("{origin}/.well-known/jwks.json")))
                (entry("Issuer", crate::ISSUER))
                (entry("Key and instance id", crate::INSTANCE_ID))
            }
            p.faint { "Any secret key that begins with " code { "sk_test_" } " is taken. A service in production refuses all of these." }
        }
        section.card aria-labelledby="pem" {
            h2 #pem { "Public key" }
            pre.code tabindex="0" data-copy { (pem) }
        }
    }
}

fn entry(name: &str, value: &str) -> Markup {
    html! { dt { (name) } dd { code.wrap { (value) } } }
}
