//! One suite of behaviours that every kind of object must pass.

use domain::Outcome::{Applied, Duplicate, Stale};
use domain::{Delivery, ObjectKind, Outcome, Payer, Step, Write};
use serde_json::{Value, json};

use crate::concurrency::apply_at_once;
use crate::convergence::rows;
use crate::facts::{
    BASE, Envelope, RECEIVED, at, deleted, effect_writes, id, item, membership, organization, role,
    session, subscription, user,
};
use crate::store::{TestStore, on_both_stores};
use crate::tables::{self, Table};

on_both_stores! {
    a_fact_fills_the_row_and_the_feed,
    a_newer_fact_wins_and_an_older_one_by_a_millisecond_is_stale,
    a_repeated_message_is_a_duplicate_and_only_counted,
    the_same_fact_in_another_message_is_stale,
    a_tie_is_broken_alike_in_both_orders,
    a_creation_loses_to_a_change_of_the_same_millisecond,
    a_deletion_wins_and_survives_late_data,
    a_parent_may_come_late,
    a_replay_writes_again,
    a_replay_does_not_move_the_row_backwards,
    what_the_api_says_is_adopted_under_the_same_guard,
    one_delivery_may_write_many_kinds,
    a_burst_ends_in_the_same_rows_as_one_after_another,
}

/// A kind of object, and how the tests tell of one.
struct Kind {
    kind: ObjectKind,
    table: &'static Table,
    /// How its ids begin.
    prefix: &'static str,
    /// The column that a fact's word goes into.
    column: &'static str,
    /// Whether Clerk deletes such objects: sessions and plans end instead.
    is_mortal: bool,
    /// A fact about the object of this id, with a word in it; what it names besides begins with `world`.
    fact: fn(world: &str, id: &str, word: &str, Envelope) -> Delivery,
}

const KINDS: &[Kind] = &[
    Kind {
        kind: ObjectKind::User,
        table: &tables::USERS,
        prefix: "user",
        column: "first_name",
        is_mortal: true,
        fact: |_, id, word, envelope| {
            let address = format!("{word}@example.com");
            user(id)
                .named(word)
                .primary_email(&address)
                .within(envelope)
                .into()
        },
    },
    Kind {
        kind: ObjectKind::Session,
        table: &tables::SESSIONS,
        prefix: "sess",
        column: "status",
        is_mortal: false,
        fact: |world, id, word, envelope| {
            session(id, word)
                .of(&format!("{world}user_1"))
                .within(envelope)
                .into()
        },
    },
    Kind {
        kind: ObjectKind::Organization,
        table: &tables::ORGANIZATIONS,
        prefix: "org",
        column: "name",
        is_mortal: true,
        fact: |world, id, word, envelope| {
            organization(id)
                .named(word)
                .slug(word)
                .metadata(json!({"of": [word, null]}))
                .made_by(&format!("{world}user_1"))
                .within(envelope)
                .into()
        },
    },
    Kind {
        kind: ObjectKind::Membership,
        table: &tables::MEMBERSHIPS,
        prefix: "orgmem",
        column: "role",
        is_mortal: true,
        fact: |world, id, word, envelope| {
            membership(id)
                .joins(&format!("{world}user_1"), &format!("{world}org_1"))
                .in_role(word)
                .within(envelope)
                .into()
        },
    },
    Kind {
        kind: ObjectKind::Subscription,
        table: &tables::SUBSCRIPTIONS,
        prefix: "csub",
        column: "status",
        is_mortal: false,
        fact: |world, clerk_id, word, envelope| {
            subscription(clerk_id, word)
                .paid_by(Some(Payer::Organization(id(&format!("{world}org_1")))))
                .within(envelope)
                .into()
        },
    },
    Kind {
        kind: ObjectKind::SubscriptionItem,
        table: &tables::ITEMS,
        prefix: "csub_item",
        column: "plan_slug",
        is_mortal: false,
        fact: |world, id, word, envelope| {
            item(id, "active", word)
                .within_subscription(&format!("{world}csub_1"))
                .of_user(&format!("{world}user_1"))
                .within(envelope)
                .into()
        },
    },
    Kind {
        kind: ObjectKind::Role,
        table: &tables::OBJECTS,
        prefix: "role",
        column: "data",
        is_mortal: true,
        fact: |_, id, word, envelope| role(id, json!(word)).within(envelope).into(),
    },
];

impl Kind {
    fn id(&self, number: usize) -> String {
        format!("{}_{number}", self.prefix)
    }

    /// Says a word about the first object at this time.
    fn says(&self, word: &str, time: i64) -> Delivery {
        (self.fact)("", &self.id(1), word, Envelope::at(time))
    }

    /// The rows of its table.
    async fn rows(&self, store: &TestStore) -> Vec<Value> {
        store.rows(self.table).await
    }

    /// The word in the only row.
    async fn word(&self, store: &TestStore) -> Value {
        let mut rows = self.rows(store).await;
        assert_eq!(rows.len(), 1, "{}: {rows:?}", self.kind);
        rows.remove(0)[self.column].take()
    }
}

async fn a_fact_fills_the_row_and_the_feed(store: TestStore) {
    for kind in KINDS {
        assert_eq!(
            store.apply(kind.says("ann", 5)).await,
            Applied,
            "{}",
            kind.kind
        );
        let row = kind.rows(&store).await.remove(0);
        assert_eq!(
            (&row[kind.column], &row["version"], &row["deleted_at"]),
            (&json!("ann"), &json!(BASE + 5), &Value::Null),
            "{}",
            kind.kind
        );
        let change = store.rows(&tables::CHANGES).await.pop().unwrap();
        assert_eq!(
            (
                &change["kind"],
                &change["clerk_id"],
                &change["op"],
                &change["at"]
            ),
            (
                &json!(kind.kind.as_str()),
                &json!(kind.id(1)),
                &json!("upsert"),
                &json!(RECEIVED)
            )
        );
        if kind.kind != ObjectKind::Role {
            assert_eq!(change["data"]["version"], BASE + 5, "{}", kind.kind);
        }
    }
    assert_eq!(store.rows(&tables::CHANGES).await.len(), KINDS.len());
}

async fn a_newer_fact_wins_and_an_older_one_by_a_millisecond_is_stale(store: TestStore) {
    for kind in KINDS {
        assert_eq!(
            store.apply(kind.says("ann", 5)).await,
            Applied,
            "{}",
            kind.kind
        );
        assert_eq!(
            store.apply(kind.says("bea", 6)).await,
            Applied,
            "{}",
            kind.kind
        );
        let before = store.everything().await;
        assert_eq!(
            store.apply(kind.says("cid", 5)).await,
            Stale,
            "{}",
            kind.kind
        );
        assert_eq!(store.everything().await, before, "{}", kind.kind);
        assert_eq!(kind.word(&store).await, "bea", "{}", kind.kind);
    }
}

async fn a_repeated_message_is_a_duplicate_and_only_counted(store: TestStore) {
    for kind in KINDS {
        let message = format!("msg_{}", kind.kind);
        let envelope = Envelope {
            message_id: message.clone(),
            ..Envelope::at(5)
        };
        let told = (kind.fact)("", &kind.id(1), "ann", envelope);
        assert_eq!(store.apply(told.clone()).await, Applied, "{}", kind.kind);
        let before = store.everything().await;
        let newer = Delivery {
            message_id: message.clone(),
            ..kind.says("bea", 6)
        };
        for repeated in [told, newer] {
            assert_eq!(store.apply(repeated).await, Duplicate, "{}", kind.kind);
        }
        assert_eq!(store.everything().await, before, "{}", kind.kind);
        assert_eq!(
            store.ledger_line(&message).await["attempts"],
            3,
            "{}",
            kind.kind
        );
    }
}

async fn the_same_fact_in_another_message_is_stale(store: TestStore) {
    for kind in KINDS {
        store.apply(kind.says("ann", 5)).await;
        let before = store.everything().await;
        assert_eq!(
            store.apply(kind.says("ann", 5)).await,
            Stale,
            "{}",
            kind.kind
        );
        assert_eq!(store.everything().await, before, "{}", kind.kind);
    }
}

async fn a_tie_is_broken_alike_in_both_orders(store: TestStore) {
    for kind in KINDS {
        let say = |world: &'static str, word: &'static str, digest: u8| {
            let envelope = Envelope {
                digest: Some([digest; 8]),
                ..Envelope::at(5)
            };
            (kind.fact)(world, &format!("{world}{}", kind.id(1)), word, envelope)
        };
        assert_eq!(
            store.apply(say("a.", "less", 1)).await,
            Applied,
            "{}",
            kind.kind
        );
        assert_eq!(
            store.apply(say("a.", "more", 2)).await,
            Applied,
            "{}",
            kind.kind
        );
        assert_eq!(
            store.apply(say("b.", "more", 2)).await,
            Applied,
            "{}",
            kind.kind
        );
        assert_eq!(
            store.apply(say("b.", "less", 1)).await,
            Stale,
            "{}",
            kind.kind
        );
    }
    let found = rows(&store, "a.").await;
    assert_eq!(found, rows(&store, "b.").await);
    let count = KINDS.len() + 1;
    assert_eq!(
        found.len(),
        count,
        "one of each kind, and an e-mail address"
    );
    assert!(!format!("{found:?}").contains("less"), "{found:?}");
}

async fn a_creation_loses_to_a_change_of_the_same_millisecond(store: TestStore) {
    for kind in KINDS {
        store.apply(kind.says("bea", 5)).await;
        let envelope = Envelope {
            step: Step::Created,
            ..Envelope::at(5)
        };
        let creation = (kind.fact)("", &kind.id(1), "ann", envelope);
        assert_eq!(store.apply(creation).await, Stale, "{}", kind.kind);
        assert_eq!(kind.word(&store).await, "bea", "{}", kind.kind);
    }
}

async fn a_deletion_wins_and_survives_late_data(store: TestStore) {
    let say = |kind: &Kind, world: &str, word: &str, time| {
        let envelope = Envelope {
            digest: Some([1; 8]),
            ..Envelope::at(time)
        };
        (kind.fact)(world, &format!("{world}{}", kind.id(1)), word, envelope)
    };
    let is_gone = |kind: &Kind, world: &str, time| {
        deleted(kind.kind, &format!("{world}{}", kind.id(1))).updated(time)
    };
    for kind in KINDS.iter().filter(|kind| kind.is_mortal) {
        let name = kind.kind;
        // Known, then deleted at a time before its last change.
        assert_eq!(
            store.apply(say(kind, "a.", "ann", 5)).await,
            Applied,
            "{name}"
        );
        assert_eq!(store.apply(is_gone(kind, "a.", 3)).await, Applied, "{name}");
        assert_eq!(
            store.apply(say(kind, "a.", "late", 9)).await,
            Stale,
            "{name}"
        );
        // Deleted before it was known, and deleted again later.
        assert_eq!(store.apply(is_gone(kind, "b.", 3)).await, Applied, "{name}");
        assert_eq!(
            store.apply(say(kind, "b.", "late", 9)).await,
            Stale,
            "{name}"
        );
        assert_eq!(
            store.apply(say(kind, "b.", "ann", 5)).await,
            Stale,
            "{name}"
        );
        assert_eq!(store.apply(is_gone(kind, "b.", 4)).await, Stale, "{name}");
        // The later deletion first.
        assert_eq!(store.apply(is_gone(kind, "c.", 4)).await, Applied, "{name}");
        assert_eq!(store.apply(is_gone(kind, "c.", 3)).await, Applied, "{name}");
        assert_eq!(
            store.apply(say(kind, "c.", "late", 9)).await,
            Stale,
            "{name}"
        );
        let told: Vec<_> = store
            .feed()
            .await
            .into_iter()
            .filter(|line| line.contains(&format!(" {name} ")))
            .collect();
        let change = |op: &str, world: &str| format!("{op} {name} {world}{}", kind.id(1));
        let expected = [
            change("upsert", "a."),
            change("delete", "a."),
            change("delete", "b."),
            change("delete", "c."),
            change("delete", "c."),
        ];
        assert_eq!(told, expected, "{name}");
    }
    let found = rows(&store, "a.").await;
    assert_eq!(found, rows(&store, "b.").await);
    assert_eq!(found, rows(&store, "c.").await);
    for row in found.iter().filter(|row| row.get("position").is_none()) {
        assert_eq!(row["deleted_at"], 3, "{row}");
        assert!(row.to_string().contains("late"), "{row}");
    }
}

/// Sessions, memberships and plans name others, who may be unknown when they come.
async fn a_parent_may_come_late(store: TestStore) {
    let tell = async |world: &str, kinds: &mut dyn Iterator<Item = &Kind>| {
        for kind in kinds {
            let envelope = Envelope {
                digest: Some([1; 8]),
                ..Envelope::at(5)
            };
            let id = format!("{world}{}", kind.id(1));
            let fact = (kind.fact)(world, &id, "pro", envelope);
            assert_eq!(store.apply(fact).await, Applied, "{}", kind.kind);
        }
    };
    tell("a.", &mut KINDS.iter()).await;
    tell("b.", &mut KINDS.iter().rev()).await;
    let found = rows(&store, "a.").await;
    assert_eq!(found, rows(&store, "b.").await);
    assert_eq!(found.len(), KINDS.len() + 1);
    assert_eq!(store.user("b.user_1").await["tier"], "paid");
}

/// As a better mapping would write it: the same place, and another word.
fn mapped_better(kind: &Kind, told: &Delivery) -> Delivery {
    let place = effect_writes(told)[0].precedence();
    let mut better = kind.says("better", 5);
    for write in effect_writes_mut(&mut better) {
        let precedence = match write {
            Write::User(write) => &mut write.precedence,
            Write::Session(write) => &mut write.precedence,
            Write::Organization(write) => &mut write.precedence,
            Write::Membership(write) => &mut write.precedence,
            Write::Subscription(write) => &mut write.precedence,
            Write::SubscriptionItem(write) => &mut write.precedence,
            Write::Object(write) => &mut write.precedence,
            Write::Deletion(_) => panic!("a deletion has no place"),
        };
        *precedence = place.unwrap();
    }
    Delivery {
        message_id: told.message_id.clone(),
        ..better
    }
}

fn effect_writes_mut(delivery: &mut Delivery) -> &mut Vec<Write> {
    match &mut delivery.effect {
        domain::Effect::Writes(writes) => writes,
        other => panic!("it has no effect: {other:?}"),
    }
}

async fn a_replay_writes_again(store: TestStore) {
    for kind in KINDS {
        let told = kind.says("ann", 5);
        store.apply(told.clone()).await;
        let line = store
            .store
            .deliveries
            .find(&told.message_id)
            .await
            .unwrap()
            .unwrap();
        let better = mapped_better(kind, &told);
        let receipt = store
            .store
            .mirror
            .replay(line.id, better.clone(), at(RECEIVED))
            .await
            .unwrap();
        assert_eq!(receipt.outcome, Applied, "{}", kind.kind);
        assert_eq!(kind.word(&store).await, "better", "{}", kind.kind);
        let change = store.rows(&tables::CHANGES).await.pop().unwrap();
        assert!(change["data"].to_string().contains("better"), "{change}");
        // Also when the fact is in the row as it is.
        let before = kind.rows(&store).await;
        let receipt = store
            .store
            .mirror
            .replay(line.id, better, at(RECEIVED))
            .await
            .unwrap();
        assert_eq!(receipt.outcome, Applied, "{}", kind.kind);
        assert_eq!(kind.rows(&store).await, before, "{}", kind.kind);
        let line = store.ledger_line(&told.message_id).await;
        assert_eq!(
            (&line["outcome"], &line["attempts"]),
            (&json!("applied"), &json!(3))
        );
    }
    assert_eq!(
        store.rows(&tables::LEDGER).await.len(),
        KINDS.len(),
        "no new lines"
    );
}

async fn a_replay_does_not_move_the_row_backwards(store: TestStore) {
    for kind in KINDS {
        let told = kind.says("ann", 5);
        store.apply(told.clone()).await;
        store.apply(kind.says("bea", 6)).await;
        let line = store
            .store
            .deliveries
            .find(&told.message_id)
            .await
            .unwrap()
            .unwrap();
        let before = store.everything().await;
        let receipt = store
            .store
            .mirror
            .replay(line.id, told.clone(), at(RECEIVED))
            .await
            .unwrap();
        assert_eq!(receipt.outcome, Stale, "{}", kind.kind);
        assert_eq!(store.everything().await, before, "{}", kind.kind);
        assert_eq!(
            store.ledger_line(&told.message_id).await["outcome"],
            "stale"
        );
    }
}

async fn what_the_api_says_is_adopted_under_the_same_guard(store: TestStore) {
    let write = |kind: &Kind, number: usize, word: &str, time| {
        let fact = (kind.fact)("", &kind.id(number), word, Envelope::at(time));
        effect_writes(&fact)[0].clone()
    };
    let adopt = async |writes: Vec<Write>| {
        store
            .store
            .mirror
            .adopt(writes, at(RECEIVED))
            .await
            .unwrap()
    };
    for kind in KINDS {
        let name = kind.kind;
        store.apply(kind.says("ann", 5)).await;
        // Nothing newer, something newer, something unknown: twice, as a page may hold it.
        assert_eq!(
            adopt(vec![write(kind, 1, "old", 4), write(kind, 1, "ann", 5)]).await,
            0,
            "{name}"
        );
        let before = store.everything().await;
        assert_eq!(adopt(vec![write(kind, 1, "ann", 5)]).await, 0, "{name}");
        assert_eq!(store.everything().await, before, "{name}");
        let page = vec![
            write(kind, 1, "bea", 6),
            write(kind, 2, "new", 1),
            write(kind, 2, "new", 1),
        ];
        assert_eq!(adopt(page).await, 2, "{name}");
        let words: Vec<_> = kind
            .rows(&store)
            .await
            .into_iter()
            .map(|mut row| row[kind.column].take())
            .collect();
        assert_eq!(words, ["bea", "new"], "{name}");
        assert_eq!(store.apply(kind.says("cid", 5)).await, Stale, "{name}");
        if kind.is_mortal {
            let deletion = |time| {
                effect_writes(&deleted(kind.kind, &kind.id(2)).updated(time).into())[0].clone()
            };
            assert_eq!(
                adopt(vec![deletion(7), write(kind, 2, "more", 9)]).await,
                1,
                "{name}"
            );
            assert_eq!(adopt(vec![deletion(8)]).await, 0, "{name}");
        }
    }
    assert_eq!(adopt(Vec::new()).await, 0);
    assert_eq!(
        store.rows(&tables::LEDGER).await.len(),
        2 * KINDS.len(),
        "no message told of them"
    );
}

async fn one_delivery_may_write_many_kinds(store: TestStore) {
    let all = |word: &str, time| {
        let writes = KINDS
            .iter()
            .flat_map(|kind| effect_writes(&kind.says(word, time)).to_vec())
            .collect();
        Delivery {
            effect: domain::Effect::Writes(writes),
            ..KINDS[0].says(word, time)
        }
    };
    assert_eq!(store.apply(all("pro", 5)).await, Applied);
    for kind in KINDS {
        assert_eq!(kind.word(&store).await, "pro", "{}", kind.kind);
    }
    assert_eq!(store.apply(all("old", 4)).await, Stale);
    // One of them is enough.
    store.apply(KINDS[0].says("ann", 7)).await;
    assert_eq!(store.apply(all("bea", 6)).await, Applied);
    assert_eq!(KINDS[0].word(&store).await, "ann");
    assert_eq!(KINDS[2].word(&store).await, "bea");
}

async fn a_burst_ends_in_the_same_rows_as_one_after_another(store: TestStore) {
    let deliveries = |world: &'static str| -> Vec<Delivery> {
        (0..200_usize)
            .map(|n| {
                // Every eighth is a message that came before.
                let n = if n % 8 == 7 { n - 7 } else { n };
                let kind = &KINDS[n % KINDS.len()];
                let time = i64::try_from(n * 37 % 11).unwrap();
                let clerk_id = format!("{world}{}", kind.id(1 + n % 3));
                let message_id = format!("{world}msg_{n}");
                if kind.is_mortal && n % 13 == 0 {
                    return deleted(kind.kind, &clerk_id)
                        .updated(time)
                        .message(&message_id)
                        .into();
                }
                let envelope = Envelope {
                    message_id,
                    digest: Some(u64::try_from(n).unwrap().to_be_bytes()),
                    ..Envelope::at(time)
                };
                let word = ["pro", "ann", "bea", "paid", "cid"][n % 5];
                (kind.fact)(world, &clerk_id, word, envelope)
            })
            .collect()
    };
    let receipts = apply_at_once(&store, deliveries("burst.")).await;
    let duplicates = receipts
        .iter()
        .filter(|receipt| receipt.outcome == Duplicate)
        .count();
    let mut outcomes: Vec<Outcome> = Vec::new();
    for delivery in deliveries("row.") {
        outcomes.push(store.apply(delivery).await);
    }
    assert_eq!(
        duplicates,
        outcomes
            .iter()
            .filter(|outcome| **outcome == Duplicate)
            .count()
    );
    let found = rows(&store, "burst.").await;
    assert_eq!(found, rows(&store, "row.").await);
    for kind in KINDS {
        let of_kind = found
            .iter()
            .filter(|row| row.to_string().contains(&format!("\"{}_", kind.prefix)));
        assert!(of_kind.count() >= 3, "{}", kind.kind);
    }
}
