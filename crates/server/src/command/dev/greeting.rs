//! What `dev` prints when all is running.

use std::net::SocketAddr;
use std::path::Path;

use emulator::Emulator;

use super::demo::{DEMO_EMAIL, Demo};
use super::{FOLDER, INVITE_CODE, TOKEN_FILE};
use crate::command::output;

pub(super) fn greet(
    origin: &str,
    rows: &str,
    metrics: Option<SocketAddr>,
    emulator: &Emulator,
    demo: &Demo,
    token_file: &Path,
) {
    let Demo {
        user_id,
        session_id,
        token,
    } = demo;
    let metrics = metrics.map_or_else(|| "off".to_owned(), |at| format!("http://{at}/metrics"));
    let (clerk, key) = (emulator.origin(), emulator.secret_key());
    let publishable_key = emulator.publishable_key();
    let authorization = format!(
        "-H \"Authorization: Bearer $(cat {})\"",
        token_file.display()
    );
    let json = "-H 'Content-Type: application/json'";
    let me = format!("curl -s {origin}/api/auth/me {authorization}");
    let at_clerk = format!("-H 'Authorization: Bearer {key}'");
    output::line(format!(
        "clerk-sync is running, with an offline Clerk beside it. Open this page; stop both with Ctrl-C.

  {origin}/

Sign in there as {DEMO_EMAIL}, who is an administrator, or as anybody new.

  service          {origin}
  API page         {origin}/api/docs
  health           {origin}/health
  metrics          {metrics}
  rows             {rows}
  offline Clerk    {clerk}
  secret key       {key}
  publishable key  {publishable_key}
  demo user        {DEMO_EMAIL}, {user_id}
  demo token       valid for 24 hours, also in {FOLDER}/{TOKEN_FILE}

{token}

Who is the demo user?

  curl -s {origin}/api/auth/me -H 'Authorization: Bearer {token}'

Let the demo user in by the invite code of this command, make a listing, and chat with the offline assistant:

  curl -s {origin}/api/v1/onboarding/validate-invite {authorization} {json} -d '{{\"invite_code\":\"{INVITE_CODE}\"}}'
  curl -s {origin}/api/v1/listings {authorization} {json} -d '{{\"title\":\"Touring bicycle\",\"price\":\"1250.00\",\"currency\":\"EUR\"}}'
  curl -sN {origin}/api/v1/chat/send {authorization} {json} -d '{{\"message\":\"Hello!\"}}'

Rename the demo user at Clerk, and see the row follow:

  curl -s -o /dev/null -X PATCH {clerk}/v1/users/{user_id} {at_clerk} -H 'Content-Type: application/json' -d '{{\"first_name\":\"Grace\",\"last_name\":\"Hopper\"}}' && sleep 1 && {me}

End the demo user's session, after which the same token is refused (the next start makes a new one):

  curl -s -o /dev/null -X POST {clerk}/v1/sessions/{session_id}/revoke {at_clerk} && sleep 1 && {me}

Send a signed sample of any of Clerk's events, from another terminal in this folder:

  cargo run -- send user.created --to {origin}/api/webhooks/clerk

Hold the rows against the offline Clerk, and repair what is out of step:

  cargo run -- reconcile --dev --repair

The offline Clerk does not know a sample's user, so this marks that user as deleted again.
"
    ));
}
