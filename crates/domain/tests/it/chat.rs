//! What a message to the assistant costs, however its answer ends.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::workspace::{
    ChatEnd, ChatListener, ChatOutcome, ChatReservation, ChatRole, Utterance, converse,
    reserve_message, within_budget,
};
use domain::{
    Answer, Assistant, AssistantError, AssistantWait, FeatureUsage, Month, ReserveOutcome,
    SpendOutcome, StoreError, UsageMeter, UsageRequest,
};
use uuid::Uuid;

use crate::world::run;

/// A meter with one message held, and what it was told.
#[derive(Default)]
struct Meter {
    full: bool,
    away: bool,
    told: Mutex<Vec<String>>,
}

const HELD: Uuid = Uuid::from_u128(7);

impl Meter {
    fn tell(&self, what: String) -> Result<bool, StoreError> {
        self.told.lock().unwrap().push(what);
        if self.away {
            return Err(StoreError::Unavailable("away".into()));
        }
        Ok(true)
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

#[async_trait]
impl UsageMeter for Meter {
    async fn spend(&self, _: UsageRequest) -> Result<SpendOutcome, StoreError> {
        panic!("a message is reserved, never spent at once");
    }

    async fn reserve(
        &self,
        request: UsageRequest,
        expires_at: DateTime<Utc>,
    ) -> Result<ReserveOutcome, StoreError> {
        let UsageRequest {
            feature,
            amount,
            limit,
            at,
            ..
        } = request;
        let minutes = (expires_at - at).num_minutes();
        self.tell(format!(
            "reserve {amount} of {limit} {feature} for {minutes} min"
        ))?;
        let usage = FeatureUsage::none(feature, Month::of(at));
        Ok(if self.full {
            ReserveOutcome::LimitReached(usage)
        } else {
            ReserveOutcome::Reserved {
                reservation: HELD,
                usage,
            }
        })
    }

    async fn commit(&self, reservation: Uuid) -> Result<bool, StoreError> {
        assert_eq!(reservation, HELD);
        self.tell("commit".to_owned())
    }

    async fn refund(&self, reservation: Uuid) -> Result<bool, StoreError> {
        assert_eq!(reservation, HELD);
        self.tell("refund".to_owned())
    }

    async fn usage(&self, _: Uuid, _: DateTime<Utc>) -> Result<Vec<FeatureUsage>, StoreError> {
        panic!("nobody asks");
    }
}

/// One step of an answer.
#[derive(Clone)]
enum Step {
    Say(&'static str),
    Fail(AssistantError),
    Wait,
}

/// Says what the test lays down, and whether anybody still holds the answer.
struct Script {
    begin: Step,
    steps: Vec<Step>,
    alive: Arc<()>,
}

struct Given(VecDeque<Step>, #[expect(dead_code)] Arc<()>);

#[async_trait]
impl Assistant for Script {
    async fn answer(&self, conversation: &[Utterance]) -> Result<Box<dyn Answer>, AssistantError> {
        assert_eq!(conversation.last().unwrap().text, "question");
        match &self.begin {
            Step::Say(_) => Ok(Box::new(Given(
                self.steps.clone().into(),
                Arc::clone(&self.alive),
            ))),
            Step::Fail(error) => Err(error.clone()),
            Step::Wait => pending().await,
        }
    }
}

#[async_trait]
impl Answer for Given {
    async fn next(&mut self) -> Result<Option<String>, AssistantError> {
        match self.0.pop_front() {
            None => Ok(None),
            Some(Step::Say(piece)) => Ok(Some(piece.to_owned())),
            Some(Step::Fail(error)) => Err(error),
            Some(Step::Wait) => pending().await,
        }
    }
}

/// Hears so many pieces and leaves; at once, while it waits for more, or never.
struct Reader {
    patience: usize,
    leaves_while_waiting: bool,
    heard: Vec<String>,
}

#[async_trait]
impl ChatListener for Reader {
    async fn hear(&mut self, piece: &str) -> bool {
        if self.heard.len() == self.patience {
            return false;
        }
        self.heard.push(piece.to_owned());
        true
    }

    async fn gone(&mut self) {
        if !(self.leaves_while_waiting && self.heard.len() == self.patience) {
            pending().await
        }
    }
}

fn stays() -> Reader {
    Reader {
        patience: usize::MAX,
        leaves_while_waiting: false,
        heard: Vec::new(),
    }
}

fn leaves_after(patience: usize, leaves_while_waiting: bool) -> Reader {
    Reader {
        patience,
        leaves_while_waiting,
        heard: Vec::new(),
    }
}

fn at() -> DateTime<Utc> {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn said(role: ChatRole, text: &str) -> Utterance {
    Utterance {
        role,
        text: text.to_owned(),
    }
}

fn reserve(meter: &Meter) -> ChatReservation {
    let expiry = at() + TimeDelta::minutes(10);
    let reserving = reserve_message(meter, Uuid::nil(), "ai_messages", 100, at(), expiry);
    run(reserving).unwrap().unwrap()
}

/// Holds a message and has it answered; what the meter was told after that.
fn talk(meter: &Meter, begin: Step, steps: &[Step], mut reader: Reader) -> (ChatOutcome, String) {
    let ChatReservation::Held(message) = reserve(meter) else {
        panic!("nothing was held");
    };
    let script = Script {
        begin,
        steps: steps.to_vec(),
        alive: Arc::default(),
    };
    let conversation = [said(ChatRole::User, "question")];
    let outcome = run(converse(
        &script,
        meter,
        message,
        &conversation,
        &mut reader,
    ))
    .unwrap();
    assert_eq!(Arc::strong_count(&script.alive), 1, "no more is asked for");
    assert_eq!(reader.heard.concat(), outcome.answer);
    (outcome, meter.told()[1..].join(" "))
}

const BEGIN: Step = Step::Say("");
const SLOW: AssistantError = AssistantError::TimedOut(AssistantWait::More);

#[test]
fn a_full_answer_is_used() {
    let (outcome, told) = talk(
        &Meter::default(),
        BEGIN,
        &[Step::Say("one "), Step::Say("two")],
        stays(),
    );
    assert_eq!((outcome.end, told.as_str()), (ChatEnd::Answered, "commit"));
    assert_eq!(
        (outcome.answer.as_str(), outcome.counted.unwrap()),
        ("one two", true)
    );
}

#[test]
fn a_failure_is_given_back_whenever_it_comes() {
    for (begin, steps, heard) in [
        (Step::Fail(SLOW), vec![], ""),
        (BEGIN, vec![Step::Fail(SLOW)], ""),
        (BEGIN, vec![Step::Say("one "), Step::Fail(SLOW)], "one "),
    ] {
        let (outcome, told) = talk(&Meter::default(), begin, &steps, stays());
        assert_eq!(
            (outcome.end, told.as_str()),
            (ChatEnd::Failed(SLOW), "refund")
        );
        assert_eq!(
            (outcome.answer.as_str(), outcome.counted.unwrap()),
            (heard, false)
        );
    }
}

#[test]
fn a_reader_who_leaves_before_the_first_word_pays_nothing() {
    for (begin, steps, reader) in [
        (Step::Wait, vec![], leaves_after(0, true)),
        (BEGIN, vec![Step::Wait], leaves_after(0, true)),
        (
            BEGIN,
            vec![Step::Say("one"), Step::Wait],
            leaves_after(0, false),
        ),
    ] {
        let (outcome, told) = talk(&Meter::default(), begin, &steps, reader);
        assert_eq!(
            (outcome.end, told.as_str()),
            (ChatEnd::ReaderGone, "refund")
        );
        assert_eq!(
            (outcome.answer.as_str(), outcome.counted.unwrap()),
            ("", false)
        );
    }
}

#[test]
fn a_reader_who_leaves_after_it_does() {
    for while_waiting in [true, false] {
        let steps = [Step::Say("one"), Step::Say("two"), Step::Wait];
        let patience = if while_waiting { 2 } else { 1 };
        let (outcome, told) = talk(
            &Meter::default(),
            BEGIN,
            &steps,
            leaves_after(patience, while_waiting),
        );
        assert_eq!(
            (outcome.end, told.as_str()),
            (ChatEnd::ReaderGone, "commit")
        );
        assert_eq!(outcome.answer, ["one", "two"][..patience].concat());
    }
}

#[test]
fn nothing_is_asked_when_nothing_is_left() {
    let meter = Meter {
        full: true,
        ..Meter::default()
    };
    assert!(matches!(reserve(&meter), ChatReservation::LimitReached(_)));
    assert_eq!(meter.told(), ["reserve 1 of 100 ai_messages for 10 min"]);
}

#[test]
fn an_answer_is_not_lost_with_the_meter() {
    let ChatReservation::Held(message) = reserve(&Meter::default()) else {
        panic!("nothing was held");
    };
    let away = Meter {
        away: true,
        ..Meter::default()
    };
    let script = Script {
        begin: BEGIN,
        steps: vec![Step::Say("one")],
        alive: Arc::default(),
    };
    let conversation = [said(ChatRole::User, "question")];
    let mut reader = stays();
    let outcome = run(converse(
        &script,
        &away,
        message,
        &conversation,
        &mut reader,
    ))
    .unwrap();
    assert_eq!(
        (outcome.end, outcome.answer.as_str()),
        (ChatEnd::Answered, "one")
    );
    assert!(matches!(outcome.counted, Err(StoreError::Unavailable(_))));
}

#[test]
fn a_conversation_is_cut_at_its_beginning() {
    use ChatRole::{Assistant as A, User as U};
    let cut = |roles: &[ChatRole], max_bytes| {
        let conversation = roles.iter().zip("abcdefgh".chars());
        let conversation =
            conversation.map(|(role, name)| said(*role, &name.to_string().repeat(10)));
        let kept = within_budget(conversation.collect(), max_bytes);
        kept.iter().map(|said| &said.text[..1]).collect::<String>()
    };
    assert_eq!(cut(&[U, A, U, A, U], 50), "abcde");
    assert_eq!(
        cut(&[U, A, U, A, U], 49),
        "cde",
        "the answer without its question goes too"
    );
    assert_eq!(cut(&[U, A, U, A, U], 39), "cde");
    assert_eq!(cut(&[U, A, U, A, U], 20), "e");
    assert_eq!(cut(&[U, A, U], 0), "c", "the question is always asked");
    assert_eq!(cut(&[U, U, U], 20), "bc");
    assert_eq!(cut(&[A], 20), "a");
    assert_eq!(cut(&[], 20), "");
}
