//! What is said of an owned table, and the statements that follow of it.
//!
//! Each statement names whose rows it is about, on PostgreSQL too, where policies say so a second time.

use domain::PageQuery;
use domain::workspace::{OwnedFilter, Scope, Whose};
use uuid::Uuid;

use super::pieces::{Bind, Pieces};
use crate::column::{Id, Time};

/// An owned table.
#[derive(Clone, Copy)]
pub(in super::super) struct Table {
    /// Its name.
    pub(in super::super) name: &'static str,
    /// The row that its rows are in, whose owner is theirs.
    pub(in super::super) parent: Option<Reference>,
    /// Another row that its rows name, which who writes them must see.
    pub(in super::super) names: Option<Reference>,
    /// Who else than the owner sees a row: a condition in which `?` stands for the user.
    pub(in super::super) read_also: Option<&'static str>,
    /// Who else than the owner may delete a row.
    pub(in super::super) delete_also: Option<&'static str>,
    /// What to do with a row that is there already.
    pub(in super::super) on_conflict: &'static str,
    /// The tables whose rows are in rows of this one, and the columns that say in which.
    pub(in super::super) children: &'static [(&'static str, &'static str)],
    /// How many rows of those that are counted together stay, where not all do.
    pub(in super::super) newest: Option<Newest>,
}

/// What stays of rows that come again and again.
#[derive(Clone, Copy)]
pub(in super::super) struct Newest {
    /// How many stay, the newest.
    pub(in super::super) count: u32,
    /// The condition under which one of the others goes.
    pub(in super::super) others: &'static str,
}

/// A column that names a row of another owned table.
#[derive(Clone, Copy)]
pub(in super::super) struct Reference {
    pub(in super::super) column: &'static str,
    pub(in super::super) table: &'static str,
    /// As [`Table::read_also`] of that table.
    pub(in super::super) read_also: Option<&'static str>,
}

impl Table {
    /// A table with nothing special about it.
    pub(in super::super) const fn named(name: &'static str) -> Self {
        Self {
            name,
            parent: None,
            names: None,
            read_also: None,
            delete_also: None,
            on_conflict: "",
            children: &[],
            newest: None,
        }
    }

    /// A page of rows, and one more.
    pub(super) fn list(
        &self,
        scope: &Scope,
        filter: OwnedFilter,
        page: &PageQuery<Uuid>,
    ) -> Pieces {
        let name = self.name;
        let mut query = self.select();
        query = match filter.whose {
            Whose::Mine => query.sql(format!("{name}.user_id = ")).bind(scope.user_id),
            Whose::SharedWithMe => match self.read_also {
                Some(condition) => with_user(query, condition, scope.user_id),
                None => query.sql("false"),
            },
            Whose::Everybody => mine(query, name, scope, None),
            Whose::User(id) => mine(query, name, scope, None)
                .sql(format!(" and {name}.user_id = "))
                .bind(id),
            Whose::Nobody => {
                mine(query, name, scope, None).sql(format!(" and {name}.user_id is null"))
            }
        };
        if let Some(parent) = filter.parent {
            query = match self.parent {
                Some(reference) => query
                    .sql(format!(" and {name}.{} = ", reference.column))
                    .bind(parent),
                None => query.sql(" and false"),
            };
        }
        if let Some(after) = page.after {
            query = query.sql(format!(" and {name}.id < ")).bind(after);
        }
        query
            .sql(format!(" order by {name}.id desc limit "))
            .bind(Bind::Count(i64::from(page.limit) + 1))
    }

    /// One row that the scope may see.
    pub(super) fn find(&self, scope: &Scope, id: Uuid) -> Pieces {
        let query = self.select().sql(format!("{}.id = ", self.name)).bind(id);
        mine(query.sql(" and "), self.name, scope, self.read_also)
    }

    /// One row that the scope may change, kept from others until the transaction ends.
    pub(super) fn lock(&self, scope: &Scope, id: Uuid) -> Pieces {
        let query = self.select().sql(format!("{}.id = ", self.name)).bind(id);
        mine(query.sql(" and "), self.name, scope, None).sql(super::super::super::FOR_UPDATE)
    }

    /// The newest row in each of these rows that has one and that the scope may see; one statement for any number.
    pub(super) fn latest_in(&self, scope: &Scope, parents: Vec<Uuid>) -> Pieces {
        let name = self.name;
        let Some(Reference { column, .. }) = self.parent else {
            return self.select().sql("false");
        };
        let one_of = self
            .select()
            .sql(format!("{name}.{column}"))
            .one_of(parents)
            .sql(" and ");
        mine(one_of, name, scope, None).sql(format!(
            " and not exists (select 1 from {name} newer where newer.{column} = {name}.{column} \
             and newer.id > {name}.id)"
        ))
    }

    /// A new row, if its parent and what it names are there to the scope, and if there are fewer than the limit.
    pub(super) fn insert(
        &self,
        scope: &Scope,
        id: Uuid,
        columns: Vec<(&'static str, Bind)>,
        limit: Option<u64>,
    ) -> Pieces {
        let Self { name, .. } = *self;
        let named = |column: &str| bound(&columns, column);
        let names: String = columns
            .iter()
            .map(|(name, _)| format!(", {name}"))
            .collect();
        let mut insert = Pieces::default()
            .sql(format!(
                "insert into {name} (id, user_id, organization_id, created_at, updated_at{names}) select "
            ))
            .bind(id);
        insert = match self.parent {
            Some(Reference { table, .. }) => {
                insert.sql(format!(", {table}.user_id, {table}.organization_id, "))
            }
            None => insert
                .sql(", ")
                .bind(scope.user_id)
                .sql(", ")
                .bind(scope.organization_id.as_deref())
                .sql(", "),
        };
        insert = insert
            .bind(Time(scope.by.at))
            .sql(", ")
            .bind(Time(scope.by.at));
        for (_, bind) in &columns {
            insert = insert.sql(", ").bind(bind.clone());
        }
        insert = match self.parent {
            Some(Reference { table, column, .. }) => {
                let from = insert
                    .sql(format!(" from {table} where {table}.id = "))
                    .bind(named(column))
                    .sql(" and ");
                mine(from, table, scope, None)
            }
            None => insert.sql(" where true"),
        };
        if let Some(reference) = self.names {
            let row = insert
                .sql(format!(
                    " and exists (select 1 from {table} where {table}.id = ",
                    table = reference.table
                ))
                .bind(named(reference.column))
                .sql(" and ");
            insert = mine(row, reference.table, scope, reference.read_also).sql(")");
        }
        if let Some(limit) = limit {
            let (column, of) = self.beside(scope, &columns);
            insert = insert
                .sql(format!(
                    " and (select count(*) from {name} where {name}.{column} = "
                ))
                .bind(of)
                .sql(") < ")
                .bind(Bind::Count(i64::try_from(limit).unwrap_or(i64::MAX)));
        }
        insert.sql(self.on_conflict).sql(" returning ").columns()
    }

    /// The column by which rows are counted together, its parent's or else its owner's, and what a row has there.
    fn beside(&self, scope: &Scope, columns: &[(&'static str, Bind)]) -> (&'static str, Bind) {
        match self.parent {
            Some(Reference { column, .. }) => (column, bound(columns, column)),
            None => ("user_id", scope.user_id.into()),
        }
    }

    /// The rows gone that are too many now that there is one with these columns.
    pub(super) fn outdated(
        &self,
        newest: Newest,
        scope: &Scope,
        columns: &[(&'static str, Bind)],
    ) -> Pieces {
        let Newest { count, others } = newest;
        let (name, (column, of)) = (self.name, self.beside(scope, columns));
        let too_many = Pieces::default()
            .sql(format!("delete from {name} where {name}.{column} = "))
            .bind(of.clone())
            .sql(format!(
                " and {others} and {name}.id <= (select stays.id from {name} stays where stays.{column} = "
            ))
            .bind(of)
            .sql(" order by stays.id desc limit 1 offset ")
            .bind(Bind::Count(i64::from(count)))
            .sql(") and ");
        mine(too_many, name, scope, None)
    }

    /// A row as it is from now on.
    pub(super) fn update(
        &self,
        scope: &Scope,
        id: Uuid,
        columns: Vec<(&'static str, Bind)>,
    ) -> Pieces {
        let mut update = Pieces::default()
            .sql(format!("update {} set updated_at = ", self.name))
            .bind(Time(scope.by.at));
        for (column, bind) in columns {
            update = update.sql(format!(", {column} = ")).bind(bind);
        }
        let one = update.sql(format!(" where {}.id = ", self.name)).bind(id);
        mine(one.sql(" and "), self.name, scope, None)
            .sql(" returning ")
            .columns()
    }

    /// A row's end.
    pub(super) fn delete(&self, scope: &Scope, id: Uuid) -> Pieces {
        let one = Pieces::default()
            .sql(format!(
                "delete from {name} where {name}.id = ",
                name = self.name
            ))
            .bind(id);
        mine(one.sql(" and "), self.name, scope, self.delete_also)
            .sql(" returning ")
            .columns()
    }

    /// A row's new owner, if there is such a user.
    pub(super) fn give(&self, scope: &Scope, id: Uuid, owner: Uuid) -> Pieces {
        Pieces::default()
            .sql(format!("update {} set user_id = ", self.name))
            .bind(owner)
            .sql(", updated_at = ")
            .bind(Time(scope.by.at))
            .sql(format!(" where {}.id = ", self.name))
            .bind(id)
            .sql(" and exists (select 1 from users where users.id = ")
            .bind(owner)
            .sql(") returning ")
            .columns()
    }

    /// The same of the rows that are in it.
    pub(super) fn give_children(&self, id: Uuid, owner: Uuid) -> impl Iterator<Item = Pieces> {
        self.children.iter().map(move |(child, column)| {
            Pieces::default()
                .sql(format!("update {child} set user_id = "))
                .bind(owner)
                .sql(format!(" where {child}.{column} = "))
                .bind(id)
        })
    }

    /// Every row of a user's own, gone.
    pub(super) fn forget(&self, user_id: Uuid) -> Pieces {
        let all = Pieces::default().sql(format!("delete from {} where ", self.name));
        let all = all.sql(format!("{}.user_id = ", self.name)).bind(user_id);
        match self.delete_also {
            Some(condition) => with_user(all.sql(" or "), condition, user_id),
            None => all,
        }
    }

    /// What is locked while rows are counted and one is added.
    pub(super) fn lock_name(&self, scope: &Scope, columns: &[(&'static str, Bind)]) -> String {
        let of = match self.beside(scope, columns) {
            (_, Bind::Id(Some(Id(id)))) => id,
            _ => scope.user_id,
        };
        format!("{}:{of}", self.name)
    }

    fn select(&self) -> Pieces {
        Pieces::default()
            .sql("select ")
            .columns()
            .sql(format!(" from {} where ", self.name))
    }
}

impl Reference {
    /// How many rows a value names that the scope may use so.
    pub(super) fn count(&self, scope: &Scope, value: Bind) -> Pieces {
        let count = Pieces::default()
            .sql(format!(
                "select count(*) from {table} where {table}.id = ",
                table = self.table
            ))
            .bind(value)
            .sql(" and ");
        mine(count, self.table, scope, self.read_also)
    }
}

/// What a row has in a column.
pub(super) fn bound(columns: &[(&'static str, Bind)], column: &str) -> Bind {
    let found = columns.iter().find(|(name, _)| *name == column);
    found.map_or(Bind::Id(None), |(_, bind)| bind.clone())
}

/// The condition under which a row is the scope's.
fn mine(query: Pieces, table: &str, scope: &Scope, also: Option<&'static str>) -> Pieces {
    if scope.is_admin {
        return query.sql("true");
    }
    let query = query
        .sql(format!("({table}.user_id = "))
        .bind(scope.user_id);
    match also {
        Some(condition) => with_user(query.sql(" or "), condition, scope.user_id).sql(")"),
        None => query.sql(")"),
    }
}

/// A condition, with the user bound where `?` stands.
fn with_user(mut query: Pieces, condition: &'static str, user_id: Uuid) -> Pieces {
    for (n, text) in condition.split('?').enumerate() {
        if n > 0 {
            query = query.bind(user_id);
        }
        query = query.sql(text);
    }
    query
}
