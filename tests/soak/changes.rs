//! What people do at Clerk all day: they come, change, join, sign in and out, leave and go.

use std::collections::VecDeque;
use std::sync::Arc;

use emulator::{Caller, Instance, SessionStatus};
use serde_json::json;

use crate::clock::{Pace, Stop};

/// How many come and go; as many as there are, whatever the length of the run.
const GUESTS: usize = 200;

/// Makes so many changes a second until told to stop; answers how many it made. `people` are never deleted.
pub(crate) async fn change(
    clerk: Arc<Instance>,
    people: Vec<String>,
    organizations: Vec<String>,
    a_second: u32,
    stop: Stop,
) -> usize {
    let Some(mut pace) = Pace::of(a_second, &stop) else {
        return 0;
    };
    let mut life = Life {
        clerk,
        by: Caller::default(),
        people,
        organizations,
        guests: VecDeque::new(),
        step: 0,
        made: 0,
    };
    while pace.goes_on().await {
        life.go_on();
    }
    life.made
}

struct Life {
    clerk: Arc<Instance>,
    by: Caller,
    people: Vec<String>,
    organizations: Vec<String>,
    /// Users who come and go, with a session each, oldest first.
    guests: VecDeque<(String, String)>,
    step: usize,
    made: usize,
}

impl Life {
    /// One step: most change a person, some do something rarer.
    fn go_on(&mut self) {
        self.step += 1;
        let step = self.step;
        // Steps that share no factor with the number of people visit all of them.
        let person = self.people[step.wrapping_mul(7_919) % self.people.len()].clone();
        let organization = self.organizations[step % self.organizations.len()].clone();
        let (clerk, by) = (&self.clerk, &self.by);
        let done = match step % 10 {
            0 => self.comes(),
            1 => self.goes(),
            2 => {
                let role = if step % 20 == 2 {
                    "growth"
                } else {
                    "enterprise"
                };
                let role = json!({"public_metadata": {"role": role}});
                clerk.update_metadata(&person, role, false, by).is_ok()
            }
            3 => {
                let joins = json!({"user_id": person, "role": "org:member"});
                clerk.create_membership(&organization, joins, by).is_ok()
                    || clerk.delete_membership(&organization, &person, by).is_ok()
            }
            4 => {
                let name = json!({"name": format!("Guild of step {step}")});
                clerk.update_organization(&organization, name, by).is_ok()
            }
            _ => {
                let name = json!({"first_name": format!("Step {step}")});
                clerk.update_user(&person, name, by).is_ok()
            }
        };
        self.made += usize::from(done);
    }

    /// Somebody signs up and in.
    fn comes(&mut self) -> bool {
        let email = format!("guest{}@example.com", self.step);
        let Ok(user) = self
            .clerk
            .create_user(json!({"email_address": [email]}), &self.by)
        else {
            return false;
        };
        let session = self.clerk.create_session(&user.id, &self.by);
        self.guests
            .push_back((user.id, session.map(|it| it.id).unwrap_or_default()));
        true
    }

    /// Whoever has been there longest signs out and goes, when enough are there.
    fn goes(&mut self) -> bool {
        if self.guests.len() < GUESTS {
            return false;
        }
        let Some((user, session)) = self.guests.pop_front() else {
            return false;
        };
        let ended = self
            .clerk
            .end_session(&session, SessionStatus::Ended, &self.by);
        ended.is_ok() | self.clerk.delete_user(&user, &self.by).is_ok()
    }
}
