//! `session.created`, `.pending`, `.ended`, `.removed` and `.revoked`.

use domain::{ClerkId, SessionStatus, SessionWrite, SignIn};
use mapping::{Fields, MAX_NAME, Notes, Placing, Unmappable, value_without_nul};

use crate::{envelope::Envelope, event_types::EventType};

/// The longest text that is kept of what a browser says of itself, in characters.
const MAX_TEXT: usize = 1024;

/// Addresses that stand for no client: the event came from a job or the Backend API.
const NO_ADDRESS: &[&str] = &["0.0.0.0", "::"];

/// Reads the session that an event carries. The user within it is left alone: it was copied at some other time than
/// the user's own events were, and they alone have a place in the order of the user's facts.
pub(crate) fn write(
    envelope: &Envelope<'_>,
    data: &Fields<'_>,
    event_type: EventType,
    placing: &Placing,
    notes: &mut Notes,
) -> Result<SessionWrite, Unmappable> {
    let clerk_session_id = data.id("id")?;
    let status = status(data, event_type, notes);
    let updated_at = placing.past_time(data, "updated_at", notes);
    let created_at = placing
        .past_time(data, "created_at", notes)
        .unwrap_or(placing.happened_at());
    let place = placing.place(updated_at);
    let sign_in = (event_type.verb == "created").then(|| {
        let request = envelope.http_request(notes);
        SignIn {
            signed_in_at: created_at,
            client_ip: client_ip(data, request.as_ref(), notes),
            user_agent: request
                .and_then(|request| request.text_within("user_agent", MAX_TEXT, notes)),
        }
    });
    Ok(SessionWrite {
        clerk_session_id,
        clerk_user_id: user_id(data, notes),
        clerk_client_id: data.text_within("client_id", MAX_NAME, notes),
        precedence: if status.is_terminal() {
            place.into_final()
        } else {
            place
        },
        status,
        last_active_organization_id: data.text_within(
            "last_active_organization_id",
            MAX_NAME,
            notes,
        ),
        actor: data.value("actor").map(value_without_nul),
        last_active_at: placing.past_time(data, "last_active_at", notes),
        expire_at: data.time("expire_at", notes),
        abandon_at: data.time("abandon_at", notes),
        created_at,
        updated_at: updated_at.unwrap_or(placing.happened_at()),
        sign_in,
    })
}

/// The session's state: its own word, but an event that says that the session is over is believed above it.
fn status(data: &Fields<'_>, event_type: EventType, notes: &mut Notes) -> SessionStatus {
    let told = data
        .text_within("status", MAX_NAME, notes)
        .map(|name| SessionStatus::parse(&name));
    // A created session is active unless it says otherwise; the other verbs are states.
    let implied = match event_type.verb {
        "created" => SessionStatus::Active,
        verb => SessionStatus::parse(verb),
    };
    match told {
        Some(told) if told.is_terminal() || !implied.is_terminal() => told,
        Some(_) => {
            data.note("status", "is not over although the event says so", notes);
            implied
        }
        None => implied,
    }
}

fn user_id(data: &Fields<'_>, notes: &mut Notes) -> Option<ClerkId> {
    data.optional_id("user_id", notes)
        .or_else(|| data.minor_object("user", notes)?.optional_id("id", notes))
}

fn client_ip(data: &Fields<'_>, request: Option<&Fields<'_>>, notes: &mut Notes) -> Option<String> {
    request
        .and_then(|request| address(request, "client_ip", notes))
        .or_else(|| {
            let activity = data.minor_object("latest_activity", notes)?;
            address(&activity, "ip_address", notes)
        })
}

fn address(fields: &Fields<'_>, key: &str, notes: &mut Notes) -> Option<String> {
    fields
        .text_within(key, MAX_TEXT, notes)
        .filter(|address| !NO_ADDRESS.contains(&address.as_str()))
}
