//! clerk-rs against the emulator. Its models are strict: an answer that lacks a field fails its step. Reads
//! `EMULATOR_ORIGIN` and `EMULATOR_SECRET_KEY`, prints one line a step, exits 1 at the first that fails.

use std::collections::HashMap;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use clerk_rs::apis::{
    Error as CallError, invitations_api as invitations, organization_memberships_api as members,
    organizations_api as organizations, sessions_api as sessions, users_api as users,
};
use clerk_rs::models::session::Status;
use clerk_rs::models::{
    CreateInvitationRequest, CreateOrganizationMembershipRequest, CreateOrganizationRequest,
    CreateSessionRequest, CreateUserRequest, UpdateUserMetadataRequest, UpdateUserRequest,
};
use clerk_rs::validators::authorizer::validate_jwt;
use clerk_rs::validators::jwks::JwksProviderNoCache;
use clerk_rs::{Clerk, ClerkConfiguration};
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(steps) => {
            println!("clerk-rs: {steps} steps passed");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("FAIL {error}");
            ExitCode::FAILURE
        }
    }
}

/// Counts and names what has passed.
#[derive(Default)]
struct Steps(usize);

impl Steps {
    fn passed(&mut self, name: &str) {
        self.0 += 1;
        println!("ok   {name}");
    }
}

#[expect(clippy::disallowed_methods, reason = "a script: its environment is its settings")]
fn setting(name: &str) -> Outcome<String> {
    std::env::var(name).map_err(|_| format!("{name} is not set").into())
}

fn check(what: &str, holds: bool) -> Outcome<()> {
    if holds {
        Ok(())
    } else {
        Err(format!("{what} does not hold").into())
    }
}

/// The status and the first code of a refused call.
fn refused<T, E>(call: Result<T, CallError<E>>) -> Outcome<(u16, String)> {
    match call {
        Err(CallError::ResponseError(answer)) => {
            let body: Value = serde_json::from_str(&answer.content)?;
            let code = body["errors"][0]["code"].as_str().unwrap_or_default();
            Ok((answer.status.as_u16(), code.to_owned()))
        }
        Err(_) => Err("the call failed without an answer".into()),
        Ok(_) => Err("the call was let through".into()),
    }
}

/// A token with any claims, header or key.
async fn mint(origin: &str, request: Value) -> Outcome<String> {
    let client = reqwest::Client::new();
    let answer = client
        .post(format!("{origin}/__emu/tokens"))
        .json(&request)
        .send()
        .await?;
    let body: Value = answer.json().await?;
    Ok(body["jwt"].as_str().unwrap_or_default().to_owned())
}

async fn run() -> Outcome<usize> {
    let origin = setting("EMULATOR_ORIGIN")?;
    let secret_key = setting("EMULATOR_SECRET_KEY")?;
    let config = ClerkConfiguration::new(secret_key).with_base_path(format!("{origin}/v1"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let address = |name: &str| format!("{name}.{now}@example.com");
    let mut steps = Steps::default();

    let request = CreateUserRequest {
        email_address: Some(vec![address("rs")]),
        first_name: Some(Some("Ida".to_owned())),
        ..CreateUserRequest::new()
    };
    let user = users::create_user(&config, request.clone()).await?;
    check("the first name", user.first_name.as_deref() == Some("Ida"))?;
    let again = users::create_user(&config, request).await;
    let taken = (422, "form_identifier_exists".to_owned());
    check("a taken address is refused", refused(again)? == taken)?;
    steps.passed("create a user, once");

    let got = users::get_user(&config, &user.id).await?;
    check("the same user", got.id == user.id)?;
    let missing = refused(users::get_user(&config, "user_unknown").await)?;
    check("404", missing == (404, "resource_not_found".to_owned()))?;
    let filter = Some(vec![address("rs")]);
    #[rustfmt::skip]
    let listed = users::get_user_list(
        &config, filter.clone(), None, None, None, None, None, None, None, None, None, None, None, None, None, None,
        None, None, None, None, None, None, None, Some(5), None, None, Some("-created_at"),
    )
    .await?;
    check(
        "one is listed",
        listed.len() == 1 && listed[0].id == user.id,
    )?;
    #[rustfmt::skip]
    let count = users::get_users_count(
        &config, filter, None, None, None, None, None, None, None, None, None, None, None, None, None, None, None, None,
        None, None, None, None, None,
    )
    .await?;
    check("one is counted", count.total_count == 1)?;
    steps.passed("get, list and count users");

    let request = UpdateUserRequest {
        first_name: Some(Some("Ada".to_owned())),
        ..UpdateUserRequest::new()
    };
    let changed = users::update_user(&config, &user.id, request).await?;
    check("the new name", changed.first_name.as_deref() == Some("Ada"))?;
    let request = UpdateUserMetadataRequest {
        public_metadata: Some(HashMap::from([("role".to_owned(), json!("growth"))])),
        ..UpdateUserMetadataRequest::new()
    };
    let merged = users::update_user_metadata(&config, &user.id, Some(request)).await?;
    check("the metadata", merged.public_metadata["role"] == "growth")?;
    steps.passed("update a user and the metadata");

    let request = CreateSessionRequest::new(user.id.clone());
    let session = sessions::create_session(&config, Some(request)).await?;
    check("active", session.status == Status::Active)?;
    let listed = sessions::get_session_list(
        &config,
        None,
        Some(&user.id),
        Some("active"),
        None,
        None,
        None,
    )
    .await?;
    check("one session", listed.len() == 1)?;
    let token = sessions::create_session_token(&config, &session.id, None).await?;
    let token = token.jwt.unwrap_or_default();
    steps.passed("create a session, list it, make a token");

    let keys = Arc::new(JwksProviderNoCache::new(Clerk::new(config.clone())));
    let claims = validate_jwt(&token, Arc::clone(&keys)).await?;
    check("the subject", claims.sub == user.id)?;
    check("the session", claims.sid.as_deref() == Some(&session.id))?;
    for wrong in [
        json!({"user_id": user.id, "expires_in": -120}),
        json!({"user_id": user.id, "key": "other"}),
        json!({"user_id": user.id, "header": {"kid": "ins_of_somebody_else"}}),
    ] {
        let token = mint(&origin, wrong.clone()).await?;
        let judged = validate_jwt(&token, Arc::clone(&keys)).await;
        check(&format!("{wrong} is refused"), judged.is_err())?;
    }
    steps.passed("validate_jwt by remote keys, right and wrong");

    let request = CreateOrganizationRequest {
        created_by: Some(Some(user.id.clone())),
        ..CreateOrganizationRequest::new(format!("Works {now}"))
    };
    let organization = organizations::create_organization(&config, Some(request)).await?;
    let request = CreateUserRequest {
        email_address: Some(vec![address("other")]),
        ..CreateUserRequest::new()
    };
    let other = users::create_user(&config, request).await?;
    let request =
        CreateOrganizationMembershipRequest::new(other.id.clone(), "org:member".to_owned());
    let joined =
        members::create_organization_membership(&config, &organization.id, request).await?;
    check("the role", joined.role == "org:member")?;
    let own = users::users_get_organization_memberships(&config, &other.id, None, None).await?;
    check("one membership", own.total_count == 1)?;
    members::delete_organization_membership(&config, &organization.id, &other.id).await?;
    steps.passed("organizations and memberships");

    let request = CreateInvitationRequest::new(address("guest"));
    let invitation = invitations::create_invitation(&config, Some(request)).await?;
    let listed =
        invitations::list_invitations(&config, Some("pending"), None, None, None, Some(500), None)
            .await?;
    check(
        "it is listed",
        listed.iter().any(|it| it.id == invitation.id),
    )?;
    steps.passed("invitations");

    let revoked = sessions::revoke_session(&config, &session.id).await?;
    check("revoked", revoked.status == Status::Revoked)?;
    let over = refused(sessions::create_session_token(&config, &session.id, None).await)?;
    check("no more tokens", over.0 == 401)?;
    check("banned", users::ban_user(&config, &user.id).await?.banned)?;
    check(
        "not banned",
        !users::unban_user(&config, &user.id).await?.banned,
    )?;
    steps.passed("revoke, ban, unban");

    organizations::delete_organization(&config, &organization.id).await?;
    for id in [&user.id, &other.id] {
        check("deleted", users::delete_user(&config, id).await?.deleted)?;
    }
    steps.passed("delete");
    Ok(steps.0)
}
