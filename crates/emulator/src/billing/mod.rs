//! Plans, subscriptions and payments: what is kept of each. Amounts are in minor units of [`CURRENCY`].

mod event;
mod shown;

pub(crate) use event::{Outcome, Payment};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::collection::{Collection, Keyed};
use crate::organization::Organization;
use crate::state::State;
use crate::user::User;

const CURRENCY: &str = "USD";
const DAY_MS: i64 = 86_400_000;

/// The billing part of the state.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Billing {
    pub(crate) plans: Collection<Plan>,
    pub(crate) subscriptions: Collection<Subscription>,
}

/// Who pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payer {
    /// A user, by id.
    User(String),
    /// An organization, by id.
    Organization(String),
}

impl Payer {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::User(id) | Self::Organization(id) => id,
        }
    }

    /// `payer_type` in the Backend API.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Organization(_) => "org",
        }
    }

    /// What the objects show of the payer.
    fn faces<'a>(&self, state: &'a State) -> (Option<&'a User>, Option<&'a Organization>) {
        match self {
            Self::User(id) => (state.users.get(id).map(|it| &it.user), None),
            Self::Organization(id) => (None, state.roster.organizations().get(id)),
        }
    }
}

/// A plan. It comes into being when somebody first subscribes to its slug.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) name: String,
    /// For a month.
    pub(crate) amount: i64,
    pub(crate) payer_type: String,
    pub(crate) created_at: i64,
}

impl Keyed for Plan {
    fn key(&self) -> &str {
        &self.slug
    }
}

/// The one subscription of a payer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) payer_id: String,
    pub(crate) payer: Payer,
    pub(crate) status: SubscriptionStatus,
    pub(crate) active_at: Option<i64>,
    pub(crate) canceled_at: Option<i64>,
    pub(crate) ended_at: Option<i64>,
    pub(crate) past_due_at: Option<i64>,
    pub(crate) latest_payment_id: Option<String>,
    pub(crate) items: Vec<Item>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// Found by whose it is.
impl Keyed for Subscription {
    fn key(&self) -> &str {
        self.payer.id()
    }
}

/// Where a subscription or an item stands. A subscription is only ever active, past due or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SubscriptionStatus {
    Active,
    /// Paid until the period ends, and not longer.
    Canceled,
    PastDue,
    Ended,
    /// Begins when the item before ends.
    Upcoming,
    /// Was upcoming and never began.
    Abandoned,
}

/// One plan in a subscription. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    /// The plan's slug.
    pub(crate) plan: String,
    pub(crate) status: SubscriptionStatus,
    pub(crate) is_free_trial: bool,
    pub(crate) annual: bool,
    pub(crate) period_start: i64,
    pub(crate) period_end: i64,
    pub(crate) canceled_at: Option<i64>,
    pub(crate) past_due_at: Option<i64>,
    pub(crate) ended_at: Option<i64>,
    pub(crate) lifetime_paid: i64,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

impl Item {
    /// Whether the payer has the plan now.
    pub(crate) fn is_live(&self) -> bool {
        use SubscriptionStatus::{Active, Canceled, PastDue};
        matches!(self.status, Active | Canceled | PastDue)
    }

    /// One period, in milliseconds.
    pub(crate) fn period(annual: bool) -> i64 {
        if annual { 365 * DAY_MS } else { 30 * DAY_MS }
    }

    fn interval(&self) -> &'static str {
        if self.annual { "annual" } else { "month" }
    }
}

impl Billing {
    /// The slug of the plan that a payer has now.
    pub(crate) fn plan_of(&self, payer_id: &str) -> Option<&str> {
        let items = &self.subscriptions.get(payer_id)?.items;
        let live = items.iter().find(|item| item.is_live())?;
        Some(&live.plan)
    }

    /// What an item costs for a period.
    pub(crate) fn price(&self, item: &Item) -> i64 {
        let months = if item.annual { 12 } else { 1 };
        let monthly = self.plans.get(&item.plan).map_or(0, |plan| plan.amount);
        monthly.saturating_mul(months)
    }
}

fn money(amount: i64) -> Value {
    let formatted = format!("${}.{:02}", amount / 100, amount % 100);
    json!({ "amount": amount, "amount_formatted": formatted, "currency": CURRENCY, "currency_symbol": "$" })
}
