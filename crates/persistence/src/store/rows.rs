//! Mirrored rows, many at a time, to be held against what Clerk has.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use diesel::dsl::{exists, not};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods as _, QueryDsl,
    QueryResult, Queryable, Selectable, SelectableHelper,
};
use domain::{
    ClerkId, EmailAddress, Listing, Membership, MirrorRows, Mirrored, Organization, StoreError,
    User,
};

use super::forgotten::{self, ABOVE_ALL};
use super::memberships::MembershipRow;
use super::organizations::OrganizationRow;
use super::run::RunQueryDsl;
use super::user_rows::UserRow;
use super::{Conn, Store, limited, store_error};
use crate::schema::{organization_memberships as memberships, organizations, user_emails, users};

#[async_trait]
impl MirrorRows for Store {
    async fn with_ids(
        &self,
        listing: Listing,
        ids: Vec<ClerkId>,
    ) -> Result<Vec<Mirrored>, StoreError> {
        limited(async {
            let ids: Vec<&str> = ids.iter().map(ClerkId::as_str).collect();
            let mut lease = self.reader().await?;
            let rows = with_ids(lease.conn(), listing, ids).await;
            lease.settle(rows).map_err(store_error)?.into_mirrored()
        })
        .await
    }

    async fn live_after(
        &self,
        listing: Listing,
        after: Option<ClerkId>,
        limit: u32,
    ) -> Result<Vec<Mirrored>, StoreError> {
        limited(async {
            let after = after.as_ref().map_or("", ClerkId::as_str);
            let mut lease = self.reader().await?;
            let rows = live_after(lease.conn(), listing, after, i64::from(limit)).await;
            lease.settle(rows).map_err(store_error)?.into_mirrored()
        })
        .await
    }
}

/// Rows of one kind.
pub(super) enum Rows {
    Users(Vec<UserRow>, Vec<EmailRow>, Forgotten),
    Organizations(Vec<OrganizationRow>),
    Memberships(Vec<MembershipRow>, Forgotten),
}

/// Those of the users, or of the members, who are forgotten.
type Forgotten = HashSet<String>;

#[derive(Queryable, Selectable)]
#[diesel(table_name = user_emails)]
pub(super) struct EmailRow {
    clerk_user_id: String,
    clerk_email_address_id: Option<String>,
    email_address: String,
    verified: bool,
    is_primary: bool,
}

impl EmailRow {
    /// Whose address, and which.
    fn into_address(self) -> (String, EmailAddress) {
        let Self {
            clerk_user_id,
            clerk_email_address_id,
            email_address,
            verified,
            is_primary,
        } = self;
        let email = EmailAddress {
            clerk_email_address_id: clerk_email_address_id.and_then(|id| ClerkId::parse(id).ok()),
            email_address,
            verified,
            primary: is_primary,
        };
        (clerk_user_id, email)
    }
}

impl Rows {
    pub(super) fn into_mirrored(self) -> Result<Vec<Mirrored>, StoreError> {
        match self {
            Self::Users(rows, emails, forgotten) => {
                let mut of: HashMap<String, Vec<EmailAddress>> = HashMap::new();
                for email in emails {
                    let (clerk_user_id, email) = email.into_address();
                    of.entry(clerk_user_id).or_default().push(email);
                }
                rows.into_iter()
                    .map(|row| {
                        let user = User::try_from(row)?;
                        if forgotten.contains(user.clerk_user_id.as_str()) {
                            return Ok(Mirrored::Forgotten(user.clerk_user_id));
                        }
                        let emails = of.remove(user.clerk_user_id.as_str()).unwrap_or_default();
                        Ok(Mirrored::User(Box::new(user), emails))
                    })
                    .collect()
            }
            Self::Organizations(rows) => rows
                .into_iter()
                .map(|row| {
                    Ok(Mirrored::Organization(Box::new(Organization::try_from(
                        row,
                    )?)))
                })
                .collect(),
            Self::Memberships(rows, forgotten) => rows
                .into_iter()
                .map(|row| {
                    let row = Membership::try_from(row)?;
                    let member = row.clerk_user_id.as_ref();
                    Ok(if member.is_some_and(|id| forgotten.contains(id)) {
                        Mirrored::Forgotten(row.clerk_membership_id)
                    } else {
                        Mirrored::Membership(Box::new(row))
                    })
                })
                .collect(),
        }
    }
}

pub(super) async fn with_ids(
    conn: &mut Conn,
    listing: Listing,
    ids: Vec<&str>,
) -> QueryResult<Rows> {
    Ok(match listing {
        Listing::Users => {
            let rows = users::table
                .filter(users::clerk_user_id.eq_any(ids))
                .select(UserRow::as_select())
                .load(conn)
                .await?;
            of_users(conn, rows).await?
        }
        Listing::Organizations => Rows::Organizations(
            organizations::table
                .filter(organizations::clerk_organization_id.eq_any(ids))
                .select(OrganizationRow::as_select())
                .load(conn)
                .await?,
        ),
        Listing::Memberships => {
            let rows = memberships::table
                .filter(memberships::clerk_membership_id.eq_any(ids))
                .select(MembershipRow::as_select())
                .load(conn)
                .await?;
            of_members(conn, rows).await?
        }
    })
}

async fn live_after(
    conn: &mut Conn,
    listing: Listing,
    after: &str,
    limit: i64,
) -> QueryResult<Rows> {
    Ok(match listing {
        Listing::Users => {
            let rows = users::table
                .filter(users::deleted_at.is_null())
                .filter(users::precedence.ne(ABOVE_ALL.to_vec()))
                .filter(users::clerk_user_id.gt(after))
                .order(users::clerk_user_id)
                .limit(limit)
                .select(UserRow::as_select())
                .load(conn)
                .await?;
            of_users(conn, rows).await?
        }
        Listing::Organizations => Rows::Organizations(
            organizations::table
                .filter(organizations::deleted_at.is_null())
                .filter(organizations::clerk_organization_id.gt(after))
                .order(organizations::clerk_organization_id)
                .limit(limit)
                .select(OrganizationRow::as_select())
                .load(conn)
                .await?,
        ),
        Listing::Memberships => {
            let of_gone_user = users::table
                .filter(
                    users::clerk_user_id
                        .nullable()
                        .eq(memberships::clerk_user_id),
                )
                .filter(
                    users::deleted_at
                        .is_not_null()
                        .or(users::precedence.eq(ABOVE_ALL.to_vec())),
                );
            let of_gone_organization = organizations::table
                .filter(
                    organizations::clerk_organization_id
                        .nullable()
                        .eq(memberships::clerk_organization_id),
                )
                .filter(organizations::deleted_at.is_not_null());
            let rows = memberships::table
                .filter(memberships::deleted_at.is_null())
                .filter(memberships::clerk_membership_id.gt(after))
                .filter(not(exists(of_gone_user)))
                .filter(not(exists(of_gone_organization)))
                .order(memberships::clerk_membership_id)
                .limit(limit)
                .select(MembershipRow::as_select())
                .load(conn)
                .await?;
            // Of those there are none here.
            Rows::Memberships(rows, Forgotten::new())
        }
    })
}

async fn of_users(conn: &mut Conn, rows: Vec<UserRow>) -> QueryResult<Rows> {
    let ids: Vec<&str> = rows.iter().map(|row| row.clerk_user_id.as_str()).collect();
    let forgotten = forgotten::among(conn, &ids).await?;
    let emails = addresses_of(conn, &ids).await?;
    Ok(Rows::Users(rows, emails, forgotten))
}

async fn of_members(conn: &mut Conn, rows: Vec<MembershipRow>) -> QueryResult<Rows> {
    let ids: Vec<&str> = rows.iter().filter_map(MembershipRow::member).collect();
    let forgotten = forgotten::among(conn, &ids).await?;
    Ok(Rows::Memberships(rows, forgotten))
}

/// A user's addresses, in Clerk's order.
pub(super) async fn emails_of(
    conn: &mut Conn,
    clerk_user_id: &str,
) -> QueryResult<Vec<EmailAddress>> {
    let rows = addresses_of(conn, &[clerk_user_id]).await?;
    Ok(rows.into_iter().map(|row| row.into_address().1).collect())
}

async fn addresses_of(conn: &mut Conn, ids: &[&str]) -> QueryResult<Vec<EmailRow>> {
    user_emails::table
        .filter(user_emails::clerk_user_id.eq_any(ids))
        .order((user_emails::clerk_user_id, user_emails::position))
        .select(EmailRow::as_select())
        .load(conn)
        .await
}
