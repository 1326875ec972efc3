//! E-mails, text messages and the waitlist.

use serde_json::{Value, json};

use super::{Times, id};

pub(super) fn email() -> Value {
    json!({
        "object": "email",
        "id": id("ema_"),
        "slug": "verification_code",
        "from_email_name": "no-reply",
        "reply_to_email_name": null,
        "to_email_address": "sample.person@example.com",
        "email_address_id": id("idn_"),
        "user_id": id("user_"),
        "subject": "424242 opens the door",
        "body": "<p>Your code is <b>424242</b>.</p>",
        "body_plain": "Your code is 424242.",
        "status": "queued",
        "data": { "otp_code": "424242", "app": { "name": "Offline", "domain_name": crate::FRONTEND_API_HOST } },
        "delivered_by_clerk": true,
    })
}

pub(super) fn sms(at: Times) -> Value {
    json!({
        "object": "sms_message",
        "id": id("sms_"),
        "slug": "verification_code",
        "from_phone_number": "+15555550100",
        "to_phone_number": "+15555550101",
        "phone_number_id": id("idn_phone_"),
        "user_id": id("user_"),
        "message": "424242 opens the door",
        "status": "queued",
        "data": {},
        "delivered_by_clerk": true,
        "created_at_ms": at.created,
    })
}

pub(super) fn waitlist_event(verb: &str, at: Times) -> Value {
    let invited = verb == "updated";
    let invitation = invited.then(|| json!({
        "object": "invitation", "id": id("inv_"), "email_address": "waiting.person@example.com", "status": "pending",
        "public_metadata": {}, "revoked": false, "created_at": at.updated, "updated_at": at.updated,
    }));
    json!({
        "object": "waitlist_entry",
        "id": id("wle_"),
        "email_address": "waiting.person@example.com",
        "status": if invited { "invited" } else { "pending" },
        "is_locked": false,
        "invitation": invitation,
        "created_at": at.created,
        "updated_at": at.updated,
    })
}
