//! The caller of a stream: like any other, or by a ticket.

use axum::extract::{FromRequestParts, Query};
use chrono::Utc;
use http::request::Parts;

use super::{LIFE, Ticket};
use crate::app::App;
use crate::counts::Way;
use crate::current_user::{CurrentUser, Proof};
use crate::peer::PeerAddress;
use crate::problem::{Kind, Problem};

/// A caller by header, cookie or `?ticket=`. Where there is a ticket it alone decides: one that opens nothing is not made
/// good by a cookie that the browser sends along.
#[derive(Debug)]
pub(crate) struct StreamCaller(pub(crate) CurrentUser);

impl FromRequestParts<App> for StreamCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = match ticket(parts) {
            Ok(None) => return CurrentUser::from_request_parts(parts, app).await.map(Self),
            Ok(Some(ticket)) => redeemed(app, &ticket).await,
            Err(refused) => Err(refused),
        };
        if let Err(problem) = &caller
            && problem.is_a_strangers()
        {
            let address = PeerAddress::in_parts(parts, app).0;
            let code = problem.kind().code();
            app.security_log
                .request_refused(code, &"by a stream ticket", address);
        }
        app.proofs.note(Way::Ticket, caller).map(Self)
    }
}

/// Whoever the ticket was given to, as he is now.
async fn redeemed(app: &App, ticket: &Ticket) -> Result<CurrentUser, Problem> {
    let now = Utc::now();
    let redeemed = app.tickets.redeem(ticket.digest(), now).await?;
    let redeemed = redeemed.ok_or_else(refused)?;
    let proof = Proof::Ticket {
        session_id: redeemed.clerk_session_id,
        issued_at: redeemed.expires_at - LIFE,
    };
    CurrentUser::again(app, redeemed.clerk_user_id.as_str(), &proof, now).await
}

/// The ticket in the query, if one is claimed to be there.
fn ticket(parts: &Parts) -> Result<Option<Ticket>, Problem> {
    // A query that cannot be read has no ticket; the route says what else is wrong with it.
    let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri) else {
        return Ok(None);
    };
    let mut tickets = pairs.iter().filter(|(name, _)| name == "ticket");
    match (tickets.next(), tickets.next()) {
        (None, _) => Ok(None),
        (Some((_, text)), None) => Ticket::parse(text).map(Some).ok_or_else(refused),
        (Some(_), Some(_)) => Err(refused()),
    }
}

/// The same for what never was, was used and has expired.
fn refused() -> Problem {
    Problem::of(Kind::TicketInvalid)
}
