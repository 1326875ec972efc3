//! Which rows of a list are wanted, and which row by its id.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use domain::PageQuery;
use domain::workspace::{OwnedFilter, Whose};
use http::request::Parts;
use serde_json::Value;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use uuid::Uuid;

use super::Exposed;
use crate::access::Asks;
use crate::app::App;
use crate::page::MOST;
use crate::parameters;
use crate::problem::{Kind, Problem};
use crate::query::{Others, invalid, named};

const LIMIT: &str = "limit";
const CURSOR: &str = "cursor";
const OWNER: &str = "owner";

/// Which rows of a list are wanted.
pub(crate) struct Which<R> {
    /// Whose, and of what.
    pub(crate) filter: OwnedFilter,
    /// Which page of them.
    pub(crate) page: PageQuery<Uuid>,
    of: PhantomData<fn() -> R>,
}

impl<R> Asks for Which<R> {}

impl<R: Exposed> FromRequestParts<App> for Which<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let known: Vec<&str> = [LIMIT, CURSOR, OWNER]
            .into_iter()
            .chain(R::PARENT)
            .collect();
        let given = named(parts, app, &known, Others::Refused).await?;
        let text = |name: &str| given.get(name).and_then(Value::as_str).map(str::to_owned);
        let parent = R::PARENT.and_then(|name| Some((name, text(name)?)));
        let parent = parent.map(|(name, text)| uuid(name, &text)).transpose()?;
        let whose = text(OWNER).filter(|text| !text.is_empty());
        Ok(Self {
            filter: OwnedFilter {
                whose: whose.map_or(Ok(R::UNASKED), |text| read_owner(&text))?,
                parent,
            },
            page: parameters::page(R::LIST, text(LIMIT), text(CURSOR))?,
            of: PhantomData,
        })
    }
}

/// Whose rows, as somebody may write it.
fn read_owner(text: &str) -> Result<Whose, Problem> {
    Ok(match text {
        "me" => Whose::Mine,
        "shared" => Whose::SharedWithMe,
        "all" => Whose::Everybody,
        "none" => Whose::Nobody,
        id => Whose::User(
            Uuid::parse_str(id)
                .map_err(|_| invalid(OWNER, "must be me, shared, all, none or the id of a user"))?,
        ),
    })
}

fn uuid(name: &str, text: &str) -> Result<Uuid, Problem> {
    Uuid::parse_str(text).map_err(|_| invalid(name, "must be an id"))
}

/// The row that a path names. What is no id at all is the id of nothing.
pub(crate) fn id(text: &str) -> Result<Uuid, Problem> {
    Uuid::parse_str(text).map_err(|_| Problem::of(Kind::ResourceNotFound))
}

/// The parameters, for the document.
pub(super) fn documented<R: Exposed>() -> Vec<Parameter> {
    let of = |name: &str, schema: ObjectBuilder, words: String| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Query)
            .description(Some(words))
            .schema(Some(schema))
            .build()
    };
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let number = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(MOST));
    let mut all = vec![
        of(
            LIMIT,
            number,
            format!("Rows on a page: 50 unless said, {MOST} at most."),
        ),
        of(
            CURSOR,
            text(),
            "The `next_cursor` of the page before.".to_owned(),
        ),
        of(
            OWNER,
            text(),
            "Whose: `me`; `shared` for those that others share with the caller; for admins also the id of a user, or \
             `all`, or `none` for rows that nobody owns. Unless said, "
                .to_owned()
                + match R::UNASKED {
                    Whose::Everybody => "the caller's own, and everybody's for admins.",
                    _ => "the caller's own.",
                },
        ),
    ];
    if let Some(parent) = R::PARENT {
        let id = text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
        all.push(of(parent, id, format!("Only those with this `{parent}`.")));
    }
    all
}
