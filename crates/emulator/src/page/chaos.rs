//! Presets of things that go wrong.

use maud::{Markup, html};
use serde_json::Value;

use super::forms::button;
use super::view::View;
use crate::chaos::Chaos;
use crate::instance::Instance;

/// A name, what it does, and the settings.
pub(super) struct Preset {
    pub(super) key: &'static str,
    name: &'static str,
    does: &'static str,
    make: fn() -> Chaos,
}

impl Preset {
    pub(super) const ALL: [Self; 8] = [
        Self {
            key: "calm",
            name: "Calm",
            does: "Everything arrives, once and in order.",
            make: Chaos::default,
        },
        Self {
            key: "lossy",
            name: "Lossy",
            does: "Three in ten webhooks are never sent.",
            make: || Chaos {
                drop: 0.3,
                ..Chaos::default()
            },
        },
        Self {
            key: "shuffled",
            name: "Shuffled",
            does: "Webhooks come twice, late, and behind later ones.",
            make: || Chaos {
                duplicate: 0.3,
                reorder: 0.3,
                delay: 0.3,
                ..Chaos::default()
            },
        },
        Self {
            key: "forged",
            name: "Forged",
            does: "Every second first attempt has a wrong signature.",
            make: || Chaos {
                corrupt: 0.5,
                ..Chaos::default()
            },
        },
        Self {
            key: "deaf",
            name: "Lost answers",
            does: "Every second answer to a webhook is lost, so it comes again.",
            make: || Chaos {
                fail: 0.5,
                ..Chaos::default()
            },
        },
        Self {
            key: "shaky",
            name: "Shaky API",
            does: "The Backend API answers 429 or 5xx to two requests in five.",
            make: || Chaos {
                rate_429: 0.2,
                error_5xx: 0.2,
                ..Chaos::default()
            },
        },
        Self {
            key: "slow",
            name: "Slow API",
            does: "The Backend API takes up to three seconds.",
            make: || Chaos {
                slow_ms: 3_000,
                ..Chaos::default()
            },
        },
        Self {
            key: "limited",
            name: "Rate limit",
            does: "A hundred requests every ten seconds, as a development instance has.",
            make: || Chaos {
                rate_limit: Some(100),
                ..Chaos::default()
            },
        },
    ];

    pub(super) fn chaos(&self) -> Chaos {
        (self.make)()
    }
}

pub(super) fn draw(instance: &Instance) -> Markup {
    let now = instance.chaos();
    let usual = serde_json::to_value(Chaos::default()).unwrap_or_default();
    let held = serde_json::to_value(&now).unwrap_or_default();
    let changed: Vec<(&String, &Value)> = held
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, value)| usual.get(name.as_str()) != Some(value))
        .collect();
    let known = Preset::ALL.iter().any(|it| it.chaos() == now);
    html! {
        h1 { "Chaos" }
        p.lead { "What goes wrong on purpose. The dice are seeded: the same setting goes wrong the same way again." }
        ul.presets {
            @for preset in &Preset::ALL {
                @let on = preset.chaos() == now;
                li.card.on[on] {
                    h2 { (preset.name) @if on { " " span.badge.good { "on" } } }
                    p { (preset.does) }
                    @if !on { (button("chaos", "Switch on", "", &View::Chaos, &[("preset", preset.key)])) }
                }
            }
        }
        @if !known || !changed.is_empty() {
            section.card aria-labelledby="set" {
                h2 #set { "In use" }
                dl { @for (name, value) in changed { dt { code { (name) } } dd { code { (value) } } } }
            }
        }
        p.faint { "Every setting can be had by " code { "PUT /__emu/chaos" } "." }
    }
}
