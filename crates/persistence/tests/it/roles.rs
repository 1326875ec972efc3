//! Roles: what gives one, to whom, and until when; and that whatever an admin has set stays.

use domain::{
    Attribution, Coverage, Delivery, ObjectKind, PlanRules, Policy, Role, RoleSource, Tier, UserKey,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::facts::{
    RECEIVED, at, deleted, deleted_organization, deleted_user, id, item, membership, organization,
    user,
};
use crate::store::{TestStore, on_both_stores, open_with};

on_both_stores! {
    what_an_admin_has_set_outlives_whatever_clerk_tells,
    every_rule_has_its_word_and_the_first_counts,
    a_place_counts_while_it_and_its_organization_last,
    in_whatever_order_facts_come_the_role_is_the_same,
    a_role_of_a_plan_lapses_with_the_plan,
    the_sweep_and_the_policy_agree_on_which_plans_are_in_force,
    roles_that_have_lapsed_are_settled_a_few_at_a_time,
    without_a_rule_for_it_a_place_gives_nothing,
    what_cannot_be_understood_is_in_the_audit_log_once,
}

const DAY: i64 = 24 * 3_600_000;

/// Rule 1: metadata; 2: administers `org_1`; 3: leads anywhere; 4: the plan.
const POLICY: &str = r#"
    [roles]
    names = ["solo", "growth", "enterprise", "admin"]
    default = "solo"
    admin = "admin"
    [[role_rules]]
    public_metadata = "role"
    [[role_rules]]
    organization_role = "org:admin"
    organization = "org_1"
    role = "admin"
    [[role_rules]]
    organization_role = "org:lead"
    role = "growth"
    [[role_rules]]
    plan = "team"
    role = "enterprise"
    [[tiers]]
    name = "free"
    max_portfolios = 1
    [[tiers]]
    name = "paid"
    max_portfolios = 2
    [tier_rule]
    public_metadata = "tier"
    [billing]
    past_due_grace_days = 3
    trials_count = false
    [billing.plans]
    pro = "paid"
"#;

fn with_policy(store: TestStore, policy: &str) -> TestStore {
    let policy = Policy::parse(policy).unwrap();
    let TestStore { database, store: _ } = store;
    TestStore {
        store: open_with(database.url(), policy),
        database,
    }
}

/// Role and source of a user's row.
async fn role(store: &TestStore, clerk_user_id: &str) -> String {
    let query = format!(
        "select role || ', ' || coalesce(role_source, 'none') as line from users where clerk_user_id = '{clerk_user_id}'"
    );
    store.lines(&query).await.pop().unwrap()
}

async fn tier(store: &TestStore, clerk_user_id: &str) -> String {
    let query = format!(
        "select tier || ', ' || coalesce(tier_source, 'none') as line from users where clerk_user_id = '{clerk_user_id}'"
    );
    store.lines(&query).await.pop().unwrap()
}

fn key(clerk_user_id: &str) -> UserKey {
    (&id(clerk_user_id)).into()
}

fn by(millis: i64) -> Attribution {
    Attribution::system(at(millis))
}

async fn set_role(store: &TestStore, role: Option<&str>) {
    let role = role.map(Role::from_store);
    let administration = &store.store.administration;
    let decided = administration
        .set_role(&key("user_1"), role, false, by(RECEIVED), &[id("user_9")])
        .await;
    assert!(matches!(decided.unwrap(), domain::Decided::Changed { .. }));
}

async fn set_tier(store: &TestStore, tier: Option<&str>) {
    let tier = tier.map(Tier::from_store);
    let administration = &store.store.administration;
    let decided = administration
        .set_tier(&key("user_1"), tier, by(RECEIVED))
        .await;
    assert!(matches!(decided.unwrap(), domain::Decided::Changed { .. }));
}

async fn settle(store: &TestStore, now: i64) -> u64 {
    let settled = store.store.housekeeping.settle_tiers(at(now), 100).await;
    settled.unwrap()
}

async fn what_an_admin_has_set_outlives_whatever_clerk_tells(store: TestStore) {
    let store = with_policy(store, POLICY);
    let end = RECEIVED + DAY;
    let profile = |time: i64, role: &str, tier: &str| {
        user("user_1")
            .updated(time)
            .metadata(json!({"role": role, "tier": tier}))
    };
    store.apply(profile(1, "solo", "free")).await;
    set_role(&store, Some("growth")).await;
    set_tier(&store, Some("paid")).await;
    let stays = async |what: &str| {
        let has = (role(&store, "user_1").await, tier(&store, "user_1").await);
        let expected = ("growth, override".to_owned(), "paid, override".to_owned());
        assert_eq!(has, expected, "{what}");
    };
    stays("set").await;

    let told: Delivery = profile(2, "enterprise", "free").into();
    store.apply(told.clone()).await;
    stays("a profile").await;
    let line = store.store.deliveries.find(&told.message_id).await;
    let replay = store
        .store
        .mirror
        .replay(line.unwrap().unwrap().id, told, at(RECEIVED));
    replay.await.unwrap();
    stays("a replay").await;
    let read = profile(3, "admin", "free").write();
    store
        .store
        .mirror
        .adopt(vec![read], at(RECEIVED))
        .await
        .unwrap();
    stays("a backfill").await;
    let rows = store
        .store
        .rows
        .with_ids(domain::Listing::Users, vec![id("user_1")]);
    let row = rows.await.unwrap().pop();
    let write = profile(4, "enterprise", "free").write();
    assert!(
        store
            .store
            .mirror
            .correct(row, write, at(RECEIVED))
            .await
            .unwrap()
    );
    stays("a correction").await;
    // As many as one transaction takes.
    let together = (5..25).map(|time| store.apply(profile(time, "enterprise", "free")));
    join_all(together).await;
    stays("a crowd of profiles").await;
    store
        .apply(
            item("csub_item_1", "canceled", "team")
                .until(at(end))
                .updated(5),
        )
        .await;
    store
        .apply(
            item("csub_item_2", "canceled", "pro")
                .until(at(end))
                .updated(5),
        )
        .await;
    store
        .apply(
            membership("orgmem_1")
                .joins("user_1", "org_1")
                .in_role("org:admin")
                .updated(5),
        )
        .await;
    stays("a plan and a place").await;
    settle(&store, end).await;
    stays("the plan's end").await;
    store
        .apply(deleted(ObjectKind::Membership, "orgmem_1").updated(6))
        .await;
    stays("the end of the place").await;

    // Given back to the rules, the facts count that were told in between.
    set_role(&store, None).await;
    set_tier(&store, None).await;
    assert_eq!(
        role(&store, "user_1").await,
        "enterprise, rule 1: public_metadata"
    );
    assert_eq!(tier(&store, "user_1").await, "paid, plan");

    set_role(&store, Some("growth")).await;
    store.apply(deleted_user("user_1").updated(30)).await;
    store.apply(profile(31, "solo", "free")).await;
    assert_eq!(role(&store, "user_1").await, "growth, override", "deleted");
}

async fn every_rule_has_its_word_and_the_first_counts(store: TestStore) {
    let store = with_policy(store, POLICY);
    store.apply(user("user_1").updated(1)).await;
    assert_eq!(role(&store, "user_1").await, "solo, default");
    assert_eq!(tier(&store, "user_1").await, "free, default");
    store
        .apply(item("csub_item_1", "active", "team").updated(2))
        .await;
    assert_eq!(role(&store, "user_1").await, "enterprise, rule 4: plan");
    assert_eq!(tier(&store, "user_1").await, "free, default");
    store
        .apply(item("csub_item_2", "active", "pro").updated(2))
        .await;
    assert_eq!(tier(&store, "user_1").await, "paid, plan");
    let place = |role: &str, time| {
        membership("orgmem_1")
            .joins("user_1", "org_1")
            .in_role(role)
            .updated(time)
    };
    store.apply(place("org:lead", 3)).await;
    assert_eq!(role(&store, "user_1").await, "growth, rule 3: organization");
    store.apply(place("org:admin", 4)).await;
    assert_eq!(role(&store, "user_1").await, "admin, rule 2: organization");
    store.apply(place("org:member", 5)).await;
    assert_eq!(role(&store, "user_1").await, "enterprise, rule 4: plan");
    store
        .apply(
            user("user_1")
                .updated(6)
                .metadata(json!({"role": "growth"})),
        )
        .await;
    assert_eq!(
        role(&store, "user_1").await,
        "growth, rule 1: public_metadata"
    );
    // Whoever is told of by a token alone has what he pays for, too.
    store
        .apply(
            item("csub_item_3", "active", "team")
                .of_user("user_2")
                .updated(7),
        )
        .await;
    let thin = domain::ThinUser {
        clerk_user_id: id("user_2"),
        email: None,
        first_name: None,
        last_name: None,
        image_url: None,
        seen_at: at(RECEIVED),
    };
    let made = store.store.users.provision(thin).await.unwrap();
    assert_eq!(
        (made.role.as_str(), made.role_source.as_deref()),
        ("enterprise", Some("rule 4: plan"))
    );
    assert_eq!(made.tier_source.as_deref(), Some("default"));
    // The feed tells it to whoever remembers rows.
    let last = store.store.changes.after(0, 100).await.unwrap();
    let of_user_1: Vec<Value> = last
        .into_iter()
        .filter(|item| item.change.clerk_id == "user_1")
        .map(|item| item.change.data["role"].clone())
        .collect();
    assert_eq!(
        of_user_1,
        [
            "solo",
            "enterprise",
            "enterprise",
            "growth",
            "admin",
            "enterprise",
            "growth"
        ]
    );
}

async fn a_place_counts_while_it_and_its_organization_last(store: TestStore) {
    let store = with_policy(store, POLICY);
    store.apply(user("user_1").updated(1)).await;
    let lead = |id: &str, organization: &str, time| {
        membership(id)
            .joins("user_1", organization)
            .in_role("org:lead")
            .updated(time)
    };
    const LEADS: &str = "growth, rule 3: organization";
    store.apply(lead("orgmem_1", "org_1", 2)).await;
    store.apply(lead("orgmem_2", "org_2", 2)).await;
    assert_eq!(
        role(&store, "user_1").await,
        LEADS,
        "nobody has told of the organizations"
    );
    store.apply(organization("org_1").updated(3)).await;
    store.apply(organization("org_2").updated(3)).await;
    store
        .apply(deleted(ObjectKind::Membership, "orgmem_1").updated(4))
        .await;
    assert_eq!(role(&store, "user_1").await, LEADS);
    store.apply(deleted_organization("org_2").updated(5)).await;
    assert_eq!(role(&store, "user_1").await, "solo, default");
    // Clerk has the organization after all: so the sweep finds.
    let rows = store
        .store
        .rows
        .with_ids(domain::Listing::Organizations, vec![id("org_2")]);
    let row = rows.await.unwrap().pop();
    let write = organization("org_2").updated(3).write();
    assert!(
        store
            .store
            .mirror
            .correct(row, write, at(RECEIVED))
            .await
            .unwrap()
    );
    assert_eq!(role(&store, "user_1").await, LEADS);
}

fn permutations(length: usize) -> Vec<Vec<usize>> {
    if length == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(length - 1);
    let longer = shorter.iter().flat_map(|order| {
        (0..length).map(|place| {
            let mut order = order.clone();
            order.insert(place, length - 1);
            order
        })
    });
    longer.collect()
}

async fn in_whatever_order_facts_come_the_role_is_the_same(store: TestStore) {
    let store = with_policy(store, POLICY);
    let facts = |number: usize| -> Vec<Delivery> {
        let (member, place) = (format!("user_{number}"), format!("org_{number}"));
        let membership_id = format!("orgmem_{number}");
        let joins = membership(&membership_id)
            .joins(&member, &place)
            .in_role("org:lead");
        let plan = item(&format!("csub_item_{number}"), "active", "team").of_user(&member);
        vec![
            user(&member).updated(1).into(),
            joins.updated(2).into(),
            plan.updated(2).into(),
            deleted_organization(&place).updated(3).into(),
            organization(&place).updated(1).into(),
        ]
    };
    let orders = permutations(5);
    for (number, order) in orders.iter().enumerate() {
        let facts = facts(number);
        for place in order {
            store.apply(facts[*place].clone()).await;
        }
    }
    let different = "select distinct role || ', ' || role_source as line from users";
    assert_eq!(store.lines(different).await, ["enterprise, rule 4: plan"]);
    let count = store
        .lines("select cast(count(*) as text) as line from users")
        .await;
    assert_eq!(count, [orders.len().to_string()]);
}

async fn a_role_of_a_plan_lapses_with_the_plan(store: TestStore) {
    let store = with_policy(store, POLICY);
    let end = RECEIVED + DAY;
    store.apply(user("user_1").updated(1)).await;
    let plan = |id: &str, end: i64, time| item(id, "canceled", "team").until(at(end)).updated(time);
    store.apply(plan("csub_item_1", end, 2)).await;
    store.apply(plan("csub_item_2", end + DAY, 2)).await;
    assert_eq!(role(&store, "user_1").await, "enterprise, rule 4: plan");
    let before = store.everything().await;
    for now in [end, end + DAY - 1] {
        assert_eq!(settle(&store, now).await, 0, "the other one lasts");
    }
    assert_eq!(store.everything().await, before);
    assert_eq!(settle(&store, end + DAY).await, 1);
    assert_eq!(role(&store, "user_1").await, "solo, default");
    let changes = store.store.changes.after(0, 100).await.unwrap();
    let last = &changes.last().unwrap().change;
    assert_eq!(
        (last.at, &last.data["role"]),
        (at(end + DAY), &json!("solo"))
    );
    let after = store.everything().await;
    assert_eq!(settle(&store, end + 9 * DAY).await, 0);
    assert_eq!(store.everything().await, after);
    // Nor is it the sweep's what an admin has set.
    store.apply(plan("csub_item_1", end, 3)).await;
    set_role(&store, Some("enterprise")).await;
    assert_eq!(settle(&store, end + 9 * DAY).await, 0);
    assert_eq!(role(&store, "user_1").await, "enterprise, override");
}

/// The sweep asks the database, everybody else the policy.
async fn the_sweep_and_the_policy_agree_on_which_plans_are_in_force(store: TestStore) {
    let mut cases: Vec<(Delivery, Coverage<'static>)> = Vec::new();
    let times = [
        Some(RECEIVED - 4 * DAY),
        Some(RECEIVED - 3 * DAY),
        Some(RECEIVED - 3 * DAY + 1),
        Some(RECEIVED),
        Some(RECEIVED + 1),
        None,
    ];
    for status in ["active", "canceled", "past_due", "ended", "upcoming", ""] {
        for time in &times {
            for updated in [RECEIVED - 3 * DAY, RECEIVED - DAY] {
                for slug in ["team", "other"] {
                    let number = cases.len();
                    let mut plan = item(&format!("csub_item_{number}"), status, slug)
                        .of_user(&format!("user_{number}"))
                        .updated(updated);
                    if let Some(time) = time {
                        plan = plan.until(at(*time)).past_due(at(*time));
                    }
                    let coverage = Coverage {
                        status,
                        plan_slug: slug,
                        period_end: time.map(at),
                        past_due_since: at(time.unwrap_or(updated)),
                        is_free_trial: false,
                    };
                    cases.push((plan.into(), coverage));
                }
            }
        }
    }
    for (number, (plan, _)) in cases.iter().enumerate() {
        store.apply(plan.clone()).await;
        store
            .apply(user(&format!("user_{number}")).updated(1))
            .await;
    }
    for flags in 0..8 {
        let [trials_count, keep, is_trial] = [1, 2, 4].map(|flag| flags & flag > 0);
        let policy = POLICY.replace(
            "trials_count = false",
            &format!("trials_count = {trials_count}\nkeep_until_period_end = {keep}"),
        );
        let policy = Policy::parse(&policy).unwrap();
        let rules: PlanRules = *policy.plan_rules();
        let judging = open_with(store.database.url(), policy);
        // As if each had been given the role at a time when his plan was in force.
        store
            .execute(&format!(
                "update users set role = 'enterprise', role_source = 'rule 4: plan'; \
                 update subscription_items set is_free_trial = {is_trial}"
            ))
            .await;
        judging
            .housekeeping
            .settle_tiers(at(RECEIVED), 1000)
            .await
            .unwrap();
        let left =
            "select clerk_user_id as line from users where role_source = 'rule 4: plan' order by 1";
        let mut expected: Vec<String> = cases
            .iter()
            .enumerate()
            .filter(|(_, (_, coverage))| {
                let coverage = Coverage {
                    is_free_trial: is_trial,
                    ..coverage.clone()
                };
                coverage.plan_slug == "team" && coverage.in_force(at(RECEIVED), &rules).is_some()
            })
            .map(|(number, _)| format!("user_{number}"))
            .collect();
        expected.sort();
        let mut left = store.lines(left).await;
        left.sort();
        assert_eq!(
            left, expected,
            "trials {trials_count}, keep {keep}, a trial {is_trial}"
        );
    }
}

async fn roles_that_have_lapsed_are_settled_a_few_at_a_time(store: TestStore) {
    let store = with_policy(store, POLICY);
    let end = RECEIVED + DAY;
    for number in 0..5 {
        let user_id = format!("user_{number}");
        store.apply(user(&user_id).updated(1)).await;
        let plan = item(&format!("csub_item_{number}"), "canceled", "team").of_user(&user_id);
        store.apply(plan.until(at(end)).updated(2)).await;
    }
    let mut looked_at = Vec::new();
    for _ in 0..4 {
        let housekeeping = &store.store.housekeeping;
        looked_at.push(housekeeping.settle_tiers(at(end), 2).await.unwrap());
    }
    assert_eq!(looked_at, [2, 2, 1, 0]);
    let still = "select role as line from users where role <> 'solo'";
    assert_eq!(store.lines(still).await, Vec::<String>::new());
}

async fn without_a_rule_for_it_a_place_gives_nothing(store: TestStore) {
    store.apply(user("user_1").updated(1)).await;
    let place = membership("orgmem_1")
        .joins("user_1", "org_1")
        .in_role("org:admin");
    store.apply(place.updated(2)).await;
    assert_eq!(role(&store, "user_1").await, "solo, default");
    assert_eq!(
        store.feed().await,
        ["upsert user user_1", "upsert membership orgmem_1"]
    );
}

async fn what_cannot_be_understood_is_in_the_audit_log_once(store: TestStore) {
    let told = |time: i64, metadata: Value| user("user_1").updated(time).metadata(metadata);
    let bad = json!({"role": "root", "tier": ["paid"]});
    store.apply(told(1, bad.clone())).await;
    assert_eq!(role(&store, "user_1").await, "solo, default");
    assert_eq!(tier(&store, "user_1").await, "free, default");
    store.apply(told(3, bad.clone())).await;
    store.apply(told(2, json!({"role": "late"}))).await;
    store
        .apply(item("csub_item_1", "ended", "pro").updated(3))
        .await;
    let lines =
        "select actor || ' ' || action || ' ' || subject_id as line from audit_log order by id";
    assert_eq!(store.lines(lines).await, ["clerk user.fact_refused user_1"]);
    store.apply(told(4, json!({"role": "growth"}))).await;
    assert_eq!(store.lines(lines).await.len(), 1);
    store.apply(told(5, json!({"role": {"root": true}}))).await;
    assert_eq!(store.lines(lines).await.len(), 2);
    let page = domain::PageQuery {
        limit: 1,
        after: None,
    };
    let entries = store
        .store
        .audit
        .entries(domain::AuditFilter::default(), page)
        .await;
    let latest = entries.unwrap().items.remove(0).after.unwrap();
    let notice =
        json!({"fact": "public_metadata.role", "problem": "wrong_type", "found": "object"});
    assert_eq!(latest, json!({ "notices": [notice] }), "it holds no value");
}

#[test]
fn a_source_is_called_in_the_index_as_in_the_rows() {
    let policy = Policy::parse(POLICY).unwrap();
    let plans: Vec<(RoleSource, &str)> = policy.role_plans().collect();
    let [(source, "team")] = plans.as_slice() else {
        panic!("{plans:?}");
    };
    assert_eq!(source.to_string(), "rule 4: plan");
}
