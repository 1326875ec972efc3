//! Answers of `/me`, written once and given again for as long as everything that they are made of is the same.
//!
//! Who may have an answer is judged before, on every request; nothing here is a judgement.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use domain::workspace::PortfolioSummary;
use domain::{Entitlements, User};

use super::me::Organization;

/// Answers at most, a kilobyte or two each.
const PLACES: usize = 4096;

/// What an answer says depends on this and on nothing else.
pub(crate) struct Grounds<'a> {
    /// The same pointer is the same row; another one may be.
    pub(crate) user: &'a Arc<User>,
    pub(crate) entitlements: &'a Entitlements,
    pub(crate) organization: Option<&'a auth::ActiveOrganization>,
    /// This month's.
    pub(crate) ai_messages_used: u64,
    pub(crate) portfolios: PortfolioSummary,
    pub(crate) invite_validated: bool,
}

/// The answers that are kept. Each user has two places, and shares them with others: of a thousand users a fifth share one, and
/// nearly nobody both.
pub(crate) struct MeAnswers {
    places: Box<[Place]>,
}

#[derive(Default)]
struct Place(Mutex<Option<Box<Kept>>>);

/// An answer, and its grounds. The row itself goes when nobody else holds it; its address stays taken as long as this
/// lives, so that no other row is mistaken for it.
struct Kept {
    user: Weak<User>,
    entitlements: Entitlements,
    organization: Option<Organization>,
    ai_messages_used: u64,
    portfolios: PortfolioSummary,
    invite_validated: bool,
    body: Bytes,
}

impl MeAnswers {
    pub(crate) fn new() -> Self {
        Self {
            places: (0..PLACES).map(|_| Place::default()).collect(),
        }
    }

    /// The answer on these grounds, written by `write` unless it is there.
    pub(crate) fn answer<E>(
        &self,
        grounds: &Grounds<'_>,
        write: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<Bytes, E> {
        let Some(places) = self.places(grounds.user) else {
            return write().map(Bytes::from);
        };
        for place in places {
            if let Some(kept) = &*place.lock()
                && kept.stands_on(grounds)
            {
                return Ok(kept.body.clone());
            }
        }
        let kept = Kept {
            user: Arc::downgrade(grounds.user),
            entitlements: grounds.entitlements.clone(),
            organization: grounds.organization.map(Organization::of),
            ai_messages_used: grounds.ai_messages_used,
            portfolios: grounds.portfolios,
            invite_validated: grounds.invite_validated,
            body: write()?.into(),
        };
        let body = kept.body.clone();
        let mut free = places
            .into_iter()
            .filter(|place| place.is_free_for(grounds.user));
        // Whoever is driven out of his place has another one.
        let [first, _] = places;
        *free.next().unwrap_or(first).lock() = Some(Box::new(kept));
        Ok(body)
    }

    fn places(&self, user: &User) -> Option<[&Place; 2]> {
        let place = |random: u64| {
            let place = random.checked_rem(u64::try_from(self.places.len()).ok()?)?;
            self.places.get(usize::try_from(place).ok()?)
        };
        // The last bits of our ids are random.
        let (_, random) = user.id.as_u64_pair();
        Some([place(random)?, place(random >> 32)?])
    }
}

impl Place {
    fn lock(&self) -> MutexGuard<'_, Option<Box<Kept>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody else has any use for what is here: nothing, an answer of this user's, or one of a row that is gone.
    fn is_free_for(&self, user: &Arc<User>) -> bool {
        self.lock().as_ref().is_none_or(|kept| {
            kept.user.strong_count() == 0 || std::ptr::eq(kept.user.as_ptr(), Arc::as_ptr(user))
        })
    }
}

impl Kept {
    fn stands_on(&self, grounds: &Grounds<'_>) -> bool {
        std::ptr::eq(self.user.as_ptr(), Arc::as_ptr(grounds.user))
            && self.entitlements == *grounds.entitlements
            && self.ai_messages_used == grounds.ai_messages_used
            && self.portfolios == grounds.portfolios
            && self.invite_validated == grounds.invite_validated
            && match (&self.organization, grounds.organization) {
                (None, None) => true,
                (Some(kept), Some(now)) => kept.is(now),
                _ => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;

    use chrono::DateTime;
    use domain::{ClerkId, Policy, Role, Tier};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn user(id: u128) -> Arc<User> {
        Arc::new(User {
            id: Uuid::from_u128(id),
            clerk_user_id: ClerkId::parse("user_1").unwrap(),
            external_id: None,
            username: None,
            email: None,
            email_verified: false,
            first_name: None,
            last_name: None,
            full_name: None,
            image_url: None,
            role: Role::from_store("solo".to_owned()),
            role_override: None,
            role_source: None,
            tier: Tier::from_store("free".to_owned()),
            tier_override: None,
            tier_source: None,
            tier_until: None,
            invite_validated_at: None,
            deactivated_at: None,
            tokens_valid_after: None,
            public_metadata: json!({}),
            preferences: json!({}),
            banned: false,
            locked: false,
            is_active: true,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            last_login_at: None,
            deleted_at: None,
            version: 1,
        })
    }

    fn entitlements(tier: &str) -> Entitlements {
        Entitlements {
            role: Role::from_store("solo".to_owned()),
            tier: Tier::from_store(tier.to_owned()),
            role_source: None,
            tier_source: None,
            limits: Policy::built_in().limits(&Tier::from_store(tier.to_owned())),
            features: Arc::default(),
        }
    }

    fn organization(role: &str) -> auth::ActiveOrganization {
        auth::ActiveOrganization {
            id: "org_1".to_owned(),
            slug: Some("acme".to_owned()),
            role: Some(role.to_owned()),
            permissions: Arc::from([]),
        }
    }

    #[test]
    fn an_answer_is_given_again_only_on_the_same_grounds() {
        let answers = MeAnswers::new();
        let written = Cell::new(0_u8);
        let (ai_messages_used, invite_validated) = (Cell::new(0), Cell::new(false));
        let portfolios = Cell::new(PortfolioSummary::default());
        let is_new = |user, entitlements, organization| {
            let before = written.get();
            let grounds = Grounds {
                user,
                entitlements,
                organization,
                ai_messages_used: ai_messages_used.get(),
                portfolios: portfolios.get(),
                invite_validated: invite_validated.get(),
            };
            let answer = answers.answer(&grounds, || {
                written.set(before + 1);
                Ok::<_, Infallible>(vec![before + 1])
            });
            assert_eq!(*answer.unwrap(), [written.get()]);
            written.get() > before
        };
        let (ann, free, paid) = (user(1), entitlements("free"), entitlements("paid"));
        let (admin, member) = (organization("org:admin"), organization("org:member"));
        let admin_again = admin.clone();
        assert!(is_new(&ann, &free, None));
        assert!(!is_new(&ann, &free, None));
        assert!(is_new(&ann, &paid, None));
        assert!(is_new(&ann, &paid, Some(&admin)));
        assert!(!is_new(&ann, &paid, Some(&admin_again)));
        assert!(is_new(&ann, &paid, Some(&member)));
        assert!(is_new(&ann, &paid, None));
        let read_again = user(1);
        assert!(is_new(&read_again, &paid, None));
        assert!(!is_new(&read_again, &paid, None));
        ai_messages_used.set(1);
        assert!(is_new(&read_again, &paid, None));
        for (first, count) in [(None, 1), (Some(Uuid::nil()), 1)] {
            portfolios.set(PortfolioSummary { first, count });
            assert!(is_new(&read_again, &paid, None));
            assert!(!is_new(&read_again, &paid, None));
        }
        invite_validated.set(true);
        assert!(is_new(&read_again, &paid, None));
        assert!(!is_new(&read_again, &paid, None));
    }

    /// Those of a user who has nothing yet.
    fn grounds<'a>(user: &'a Arc<User>, entitlements: &'a Entitlements) -> Grounds<'a> {
        Grounds {
            user,
            entitlements,
            organization: None,
            ai_messages_used: 0,
            portfolios: PortfolioSummary::default(),
            invite_validated: false,
        }
    }

    /// Whether an answer to each of these users had to be written.
    fn are_new(answers: &MeAnswers, users: &[Arc<User>]) -> Vec<bool> {
        let entitlements = entitlements("free");
        let is_new = |user| {
            let mut is_new = false;
            let answer = answers.answer(&grounds(user, &entitlements), || {
                is_new = true;
                Ok::<_, Infallible>(user.id.as_bytes().to_vec())
            });
            assert_eq!(*answer.unwrap(), *user.id.as_bytes());
            is_new
        };
        users.iter().map(is_new).collect()
    }

    #[test]
    fn two_who_share_one_place_both_stay_and_a_third_drives_one_out() {
        let places = PLACES as u128;
        let answers = MeAnswers::new();
        let three = [1, 1 + places, 1 + 2 * places].map(user);
        assert_eq!(are_new(&answers, &three[..2]), [true, true]);
        assert_eq!(are_new(&answers, &three[..2]), [false, false]);
        assert_eq!(are_new(&answers, &three), [false, false, true]);
        assert_eq!(are_new(&answers, &three), [true, false, true]);
    }

    #[test]
    fn a_thousand_users_find_room() {
        let answers = MeAnswers::new();
        let users: Vec<_> = (0..1_000_u128)
            .map(|n| user(n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)))
            .collect();
        are_new(&answers, &users);
        are_new(&answers, &users);
        let again = are_new(&answers, &users);
        let written = again.into_iter().filter(|is_new| *is_new).count();
        assert_eq!(written, 0);
    }

    #[test]
    fn a_row_that_is_gone_is_not_mistaken_for_a_new_one_at_its_address() {
        let answers = MeAnswers::new();
        let entitlements = entitlements("free");
        for turn in 0..100_u8 {
            let user = user(1);
            let grounds = grounds(&user, &entitlements);
            let answer = answers.answer(&grounds, || Ok::<_, Infallible>(vec![turn]));
            assert_eq!(*answer.unwrap(), [turn]);
        }
    }
}
