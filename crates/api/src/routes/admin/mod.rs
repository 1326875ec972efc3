//! What administrators call: people and what is decided about them, organizations, sessions, the ledger, the audit log,
//! drift, invites.
//!
//! `Admin` stands in every signature, or `Reader` where a machine caller may look too. Every write is attributed, and
//! the port that makes it writes its line in the audit log.

pub(crate) mod activity;
pub(crate) mod audit;
mod caller;
pub(crate) mod decisions;
pub(crate) mod deliveries;
pub(crate) mod drift;
pub(crate) mod erasure;
pub(crate) mod invites;
pub(crate) mod organizations;
pub(crate) mod reconcile;
pub(crate) mod resync;
pub(crate) mod sessions;
mod shown;
pub(crate) mod users;

use self::caller::{AdminCaller, Reader};
use crate::input::Input;
use crate::page::PageOf;
use crate::parameters::{self, Id, Parameters};
