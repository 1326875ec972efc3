//! Open streams: who may open one, by what, and what ends it.
//!
//! A stream stays open longer than the token that opened it lives: what counts is the state of the user and of the
//! session, which is read again whenever the change feed tells of either. One task a process reads the feed's end
//! (`hub.rs`) and wakes the streams that it concerns (`tenure.rs`).

mod events;
mod hub;
mod stream_caller;
mod tenure;
mod ticket;

pub(crate) use events::{answer, named};
pub(crate) use hub::Hub;
pub(crate) use stream_caller::StreamCaller;
pub(crate) use tenure::{End, News, Tenure};
pub(crate) use ticket::{LIFE, Ticket};
