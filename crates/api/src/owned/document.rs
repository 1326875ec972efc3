//! What the OpenAPI document says of a resource's routes: the same of each, in its own words.

use std::marker::PhantomData;

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ArrayBuilder, Schema, Type};
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Required, SecurityRequirement};
use utoipa::{PartialSchema as _, ToSchema};

use super::handlers::NewOwner;
use super::row::Shown;
use super::{Exposed, query};
use crate::page::PageOf;
use crate::problem::ProblemBody;

const READING: &[(&str, &str)] = &[
    ("401", "No valid session: the code says why"),
    ("403", "`user_inactive`"),
    ("503", "`store_unavailable`, `keys_unavailable`"),
];
const WRITING: &[(&str, &str)] = &[
    ("401", "No valid session: the code says why"),
    ("403", "`invite_required`, `user_inactive`"),
    ("503", "`store_unavailable`, `keys_unavailable`"),
];
const GIVING: &[(&str, &str)] = &[
    ("401", "No valid session: the code says why"),
    ("403", "`role_required`, `user_inactive`"),
    ("503", "`store_unavailable`, `keys_unavailable`"),
];
const NOT_FOUND: (&str, &str) = (
    "404",
    "`resource_not_found`: there is none, or it is another's; nobody is told which",
);

/// The operations of a resource.
pub(super) struct Described<R>(PhantomData<fn() -> R>);

impl<R: Exposed> Described<R> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }

    /// Every schema that the operations name.
    #[expect(clippy::unused_self, reason = "read as what is said of the resource")]
    pub(super) fn schemas(&self) -> Vec<(String, RefOr<Schema>)> {
        let mut all = Vec::new();
        add::<R::Fields>(&mut all);
        add::<R::Changes>(&mut all);
        all.push((row::<R>(), Shown::<R>::schema()));
        Shown::<R>::schemas(&mut all);
        all.push((page::<R>(), page_of_rows::<R>()));
        add::<NewOwner>(&mut all);
        add::<ProblemBody>(&mut all);
        all
    }

    pub(super) fn list(&self) -> Operation {
        let mut operation = self
            .operation(format!("{}, the newest first.", capital(R::MANY)), READING)
            .response("200", json(page::<R>(), "A page"))
            .response("400", problem("`parameter_invalid`, naming the parameter"));
        for parameter in query::documented::<R>() {
            operation = operation.parameter(parameter);
        }
        operation.build()
    }

    pub(super) fn one(&self) -> Operation {
        let words = format!(
            "One {}: the caller's own, or one that is shared with him.",
            R::ONE
        );
        self.of_one(words, READING)
            .response("200", json(row::<R>(), "It"))
            .build()
    }

    pub(super) fn create(&self) -> Operation {
        let mut operation = self.operation(format!("Makes a {} of the caller's.", R::ONE), WRITING);
        if let Some(kind) = R::LIMIT_REACHED {
            let words = format!("`invite_required`, `user_inactive`, `{}`", kind.code());
            operation = operation.response("403", problem(&words));
        }
        operation
            .request_body(Some(body::<R::Fields>()))
            .response("201", json(row::<R>(), "It; `Location` says where it is"))
            .response("400", problem("`body_invalid`: `errors` names each field"))
            .response(
                "422",
                problem("`reference_unknown`: it names a row that is not the caller's to use"),
            )
            .build()
    }

    pub(super) fn change(&self) -> Operation {
        let words = format!(
            "Changes a {}: what is named is set, a null empties it, everything else stays.",
            R::ONE
        );
        self.of_one(words, WRITING)
            .request_body(Some(body::<R::Changes>()))
            .response("200", json(row::<R>(), "As it is now"))
            .response("400", problem("`body_invalid`: `errors` names each field"))
            .build()
    }

    pub(super) fn delete(&self) -> Operation {
        let words = format!("Deletes a {} with everything that is in it.", R::ONE);
        let gone = ResponseBuilder::new().description("It is gone").build();
        self.of_one(words, WRITING).response("204", gone).build()
    }

    pub(super) fn give(&self) -> Operation {
        let words = format!(
            "Gives a {} with everything that is in it to a user: how a row from before gets an owner.",
            R::ONE
        );
        self.of_one(words, GIVING)
            .request_body(Some(body::<NewOwner>()))
            .response("200", json(row::<R>(), "As it is now"))
            .response("400", problem("`body_invalid`"))
            .response("422", problem("`reference_unknown`: there is no such user"))
            .build()
    }

    fn of_one(&self, words: String, refusals: &[(&str, &str)]) -> OperationBuilder {
        let id = ParameterBuilder::new()
            .name("id")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
        let (status, told) = NOT_FOUND;
        self.operation(words, refusals)
            .parameter(id.build())
            .response(status, problem(told))
    }

    #[expect(clippy::unused_self, reason = "read as what is said of the resource")]
    fn operation(&self, words: String, refusals: &[(&str, &str)]) -> OperationBuilder {
        let session = SecurityRequirement::new("session", Vec::<String>::new());
        let operation = OperationBuilder::new()
            .tag("workspace")
            .summary(Some(words))
            .security(session);
        refusals
            .iter()
            .fold(operation, |operation, (status, told)| {
                operation.response(*status, problem(told))
            })
    }
}

/// A schema with those that it names.
fn add<T: ToSchema>(all: &mut Vec<(String, RefOr<Schema>)>) {
    all.push((T::name().into_owned(), T::schema()));
    T::schemas(all);
}

fn reference<T: ToSchema>() -> Ref {
    Ref::from_schema_name(T::name())
}

fn body<T: ToSchema>() -> RequestBody {
    let content = ContentBuilder::new().schema(Some(reference::<T>())).build();
    RequestBodyBuilder::new()
        .content("application/json", content)
        .required(Some(Required::True))
        .build()
}

/// The name of the schema of a row. The derived one is the same for every resource.
fn row<R: Exposed>() -> String {
    format!("OwnedRow_{}", R::Fields::name())
}

/// The name of the schema of a page.
fn page<R: Exposed>() -> String {
    format!("PageOf_{}", row::<R>())
}

/// The schema of a page, whose items are named as [`row`] does.
fn page_of_rows<R: Exposed>() -> RefOr<Schema> {
    let mut schema = PageOf::<Shown<R>>::schema();
    if let RefOr::T(Schema::Object(page)) = &mut schema {
        let rows = ArrayBuilder::new().items(Ref::from_schema_name(row::<R>()));
        page.properties.insert("items".to_owned(), rows.into());
    }
    schema
}

fn json(schema: String, words: &str) -> Response {
    let schema = Ref::from_schema_name(schema);
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new()
        .description(words)
        .content("application/json", content)
        .build()
}

fn problem(words: &str) -> Response {
    let content = ContentBuilder::new()
        .schema(Some(reference::<ProblemBody>()))
        .build();
    ResponseBuilder::new()
        .description(words)
        .content("application/problem+json", content)
        .build()
}

/// With a capital letter.
fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
