//! Envelopes of events.

use serde::Serialize;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use super::{Caller, Instance};
use crate::refusal::Refusal;
use crate::samples;
use crate::state::{State, system_ms};

impl Instance {
    /// Submits an event about `data` at `at`, in milliseconds, unless the change is a quiet one. The state proves that
    /// its lock is held.
    pub(super) fn emit(
        &self,
        state: &State,
        caller: &Caller,
        event_type: &str,
        at: i64,
        data: &impl Serialize,
    ) {
        if state.quiet {
            return;
        }
        let data = serde_json::to_value(data).unwrap_or_default();
        self.submit(
            event_type,
            &samples::envelope(event_type, at, http_request(caller), data),
        );
    }

    /// Emits any event, known or not, without changing the state. Without `data` a known type gets a sample of now;
    /// `object_id` then replaces `data.id`. Returns the message id.
    ///
    /// # Errors
    /// [`Refusal::ParamMissing`] for an unknown type without data.
    pub fn emit_event(
        &self,
        event_type: &str,
        data: Option<Value>,
        object_id: Option<&str>,
        caller: &Caller,
    ) -> Result<String, Refusal> {
        let now = system_ms();
        let mut envelope = match data {
            Some(data) => samples::envelope(event_type, now, http_request(caller), data),
            None => samples::sample_event_at(event_type, now)
                .ok_or(Refusal::ParamMissing { param: "data" })?,
        };
        if let (Some(id), Some(Value::Object(data))) = (object_id, envelope.get_mut("data")) {
            data.insert("id".to_owned(), id.into());
        }
        Ok(self.submit(event_type, &envelope))
    }

    fn submit(&self, event_type: &str, envelope: &Value) -> String {
        let text = |pointer: &str| envelope.pointer(pointer).and_then(Value::as_str);
        let object_id = text("/data/id");
        // A payer's unused half is the empty string.
        let payer = ["/data/payer/user_id", "/data/payer/organization_id"];
        let user_id = text("/data/user_id")
            .or_else(|| text("/data/public_user_data/user_id"))
            .or_else(|| {
                payer
                    .iter()
                    .filter_map(|at| text(at))
                    .find(|id| !id.is_empty())
            });
        let lane_key = user_id.or(object_id).unwrap_or(event_type);
        let payload = to_raw_value(envelope).unwrap_or_default();
        self.webhooks
            .submit(event_type, object_id, lane_key, payload)
    }
}

fn http_request(caller: &Caller) -> Value {
    json!({ "client_ip": caller.client_ip, "user_agent": caller.user_agent })
}
