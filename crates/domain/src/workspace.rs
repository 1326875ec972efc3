//! What people keep here beside what Clerk tells of them, and what is calculated of it.

mod calculation;
mod calculation_job;
mod chat;
mod chat_message;
mod collection;
mod decimal;
mod fields;
mod import;
mod listing;
mod owned;
mod portfolio;
mod profile;
mod ruleset;
mod scope;
mod share;
mod symbol;
mod valuation;

pub use calculation::{Calculation, CalculationError, PositionFigures, Total, calculate};
pub use calculation_job::{CalculationJob, JobStatus, JobStep};
pub use chat::{
    ChatEnd, ChatListener, ChatOutcome, ChatReservation, HeldMessage, Utterance, converse,
    reserve_message, within_budget,
};
pub use chat_message::{ChatMessage, ChatRole, MAX_MESSAGE_LENGTH};
pub use collection::{Collection, CollectionItem, CollectionItemPatch, CollectionPatch};
pub use decimal::{Decimal, DecimalError, MAX_DECIMAL_PLACES, MAX_WHOLE_DIGITS};
pub use fields::{FieldProblem, MAX_JSON_BYTES, MAX_JSON_DEPTH, MAX_TEXT_LENGTH, MAX_TITLE_LENGTH};
pub use import::{ImportLimits, ImportProblem, ImportRefusal, ImportedPosition};
pub use listing::{Condition, Listing, ListingPatch, ListingStatus};
pub use owned::{Owned, OwnedFilter, Resource, Whose, Written};
pub use portfolio::{Portfolio, PortfolioPatch, PortfolioSummary, Position, PositionPatch};
pub use profile::{Profile, ProfilePatch};
pub use ruleset::{ValuationRuleset, ValuationRulesetPatch};
pub use scope::Scope;
pub use share::{Share, SharePatch, SharePermission};
pub use symbol::{MAX_SYMBOL_LENGTH, Symbol, SymbolError};
pub use valuation::{
    AppliedRule, Effect, MAX_CONDITIONS, MAX_RULES, MAX_WEIGHTS, Ruleset, RulesetError, Score,
    ScorePart, ScoringError, Valuation, ValuationError, Weights, WeightsError, score_listing,
    value_listing,
};
