//! Statements on owned tables: text of ours and bound values, in their order.
//!
//! What differs between one owned table and another is names. So a statement is put together of texts that stand in the
//! program, never of what comes from outside, which is bound; one type of statement serves every table, and the compiler
//! proves it once.

use std::borrow::Cow;
use std::marker::PhantomData;

use chrono::NaiveDate;
use diesel::QueryResult;
use diesel::expression::Expression;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Date, Nullable, Text};
use domain::workspace::Decimal;
use serde_json::Value;
use uuid::Uuid;

use super::super::Db;
use crate::column::{DbJson, DbTime, DbUuid, Id, Json, Time};
use crate::decimal_column::{DbDecimal, Exact};

/// A bound value. All but flags and counts may be null.
#[derive(Debug, Clone)]
pub(in super::super) enum Bind {
    Id(Option<Id>),
    Text(Option<String>),
    Json(Option<Json>),
    Time(Option<Time>),
    Date(Option<NaiveDate>),
    Decimal(Option<Exact>),
    Flag(bool),
    Count(i64),
}

impl From<Uuid> for Bind {
    fn from(id: Uuid) -> Self {
        Self::Id(Some(Id(id)))
    }
}

impl From<&str> for Bind {
    fn from(text: &str) -> Self {
        Self::Text(Some(super::super::storable::storable(text).into_owned()))
    }
}

impl From<Option<&str>> for Bind {
    fn from(text: Option<&str>) -> Self {
        text.map_or(Self::Text(None), Self::from)
    }
}

impl From<&Value> for Bind {
    fn from(value: &Value) -> Self {
        Self::Json(Some(Json(value.clone())))
    }
}

impl From<Option<&Value>> for Bind {
    fn from(value: Option<&Value>) -> Self {
        Self::Json(value.cloned().map(Json))
    }
}

impl From<Decimal> for Bind {
    fn from(value: Decimal) -> Self {
        Self::Decimal(Some(Exact(value)))
    }
}

impl From<Option<Decimal>> for Bind {
    fn from(value: Option<Decimal>) -> Self {
        Self::Decimal(value.map(Exact))
    }
}

impl From<Time> for Bind {
    fn from(at: Time) -> Self {
        Self::Time(Some(at))
    }
}

enum Piece {
    Sql(Cow<'static, str>),
    Bind(Bind),
    OneOf(Vec<Id>),
    Columns,
}

/// A statement's pieces.
#[derive(Default)]
pub(in super::super) struct Pieces(Vec<Piece>);

impl Pieces {
    /// Text of ours.
    pub(in super::super) fn sql(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.0.push(Piece::Sql(text.into()));
        self
    }

    /// A value.
    pub(in super::super) fn bind(mut self, value: impl Into<Bind>) -> Self {
        self.0.push(Piece::Bind(value.into()));
        self
    }

    /// That what stands before is one of these.
    pub(in super::super) fn one_of(mut self, ids: Vec<Uuid>) -> Self {
        self.0.push(Piece::OneOf(ids.into_iter().map(Id).collect()));
        self
    }

    /// The columns that are read.
    pub(in super::super) fn columns(mut self) -> Self {
        self.0.push(Piece::Columns);
        self
    }

    fn walk<'b>(
        &'b self,
        mut out: AstPass<'_, 'b, Db>,
        columns: impl Fn(AstPass<'_, 'b, Db>) -> QueryResult<()>,
    ) -> QueryResult<()> {
        for piece in &self.0 {
            match piece {
                Piece::Sql(text) => out.push_sql(text),
                Piece::Columns => columns(out.reborrow())?,
                Piece::OneOf(ids) => super::super::super::one_of(out.reborrow(), ids)?,
                Piece::Bind(Bind::Id(id)) => {
                    out.push_bind_param::<Nullable<DbUuid>, _>(id)?;
                }
                Piece::Bind(Bind::Text(text)) => {
                    out.push_bind_param::<Nullable<Text>, _>(text)?;
                }
                Piece::Bind(Bind::Json(json)) => {
                    out.push_bind_param::<Nullable<DbJson>, _>(json)?;
                }
                Piece::Bind(Bind::Time(at)) => {
                    out.push_bind_param::<Nullable<DbTime>, _>(at)?;
                }
                Piece::Bind(Bind::Date(day)) => {
                    out.push_bind_param::<Nullable<Date>, _>(day)?;
                }
                Piece::Bind(Bind::Decimal(value)) => {
                    out.push_bind_param::<Nullable<DbDecimal>, _>(value)?;
                }
                Piece::Bind(Bind::Flag(flag)) => out.push_bind_param::<Bool, _>(flag)?,
                Piece::Bind(Bind::Count(count)) => out.push_bind_param::<BigInt, _>(count)?,
            }
        }
        Ok(())
    }
}

/// A statement that gives rows.
pub(in super::super) struct Reading<S> {
    pub(in super::super) pieces: Pieces,
    pub(in super::super) selection: S,
}

impl<S: QueryFragment<Db>> QueryFragment<Db> for Reading<S> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Db>) -> QueryResult<()> {
        self.pieces.walk(out, |out| self.selection.walk_ast(out))
    }
}

/// By their text.
impl<S> QueryId for Reading<S> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<S: Expression> Query for Reading<S> {
    type SqlType = S::SqlType;
}

impl<S, C> diesel::RunQueryDsl<C> for Reading<S> {}

/// A statement that gives one column of a type, or nothing.
pub(in super::super) struct Plain<T> {
    pieces: Pieces,
    column: PhantomData<T>,
}

impl<T> Plain<T> {
    pub(in super::super) fn of(pieces: Pieces) -> Self {
        Self {
            pieces,
            column: PhantomData,
        }
    }
}

impl<T> QueryFragment<Db> for Plain<T> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Db>) -> QueryResult<()> {
        self.pieces.walk(out, |_| Ok(()))
    }
}

impl<T> QueryId for Plain<T> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T> Query for Plain<T> {
    type SqlType = T;
}

impl<T, C> diesel::RunQueryDsl<C> for Plain<T> {}
