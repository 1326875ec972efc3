//! Portfolios and their positions.

use async_trait::async_trait;
use diesel::QueryResult;
use domain::workspace::{
    CalculationJob, Owned, OwnedFilter, Portfolio, Position, Resource as _, Scope, Whose, Written,
};
use domain::{OwnedRows, PageQuery, Portfolios, StoreError};
use uuid::Uuid;

use super::super::super::commit;
use super::super::insertion::{self, insertable};
use super::super::{Conn, IMPORT_LIMIT, Store, limited_to, store_error};
use super::pieces::Bind;
use super::table::{Reference, Table};
use super::writes::{insert, refusal};
use super::{Keep, keep_row, owned_row, read, unreadable};
use crate::column::{Id, Time};
use crate::decimal_column::Exact;
use crate::row_security::Told;
use crate::schema::{portfolios, positions};

/// A portfolio of one's own.
pub(super) const PORTFOLIO: Reference = Reference {
    column: "portfolio_id",
    table: "portfolios",
    read_also: None,
};

/// Positions in a page, where all are read.
const PAGE: u32 = 5_000;

owned_row! {
    PortfolioRow of portfolios as Portfolio {
        name: String,
        description: Option<String>,
    }
}

impl Keep for Portfolio {
    keep_row!(PortfolioRow);

    const IS_TOLD: bool = true;
    const TABLE: Table = Table {
        children: &[
            ("positions", "portfolio_id"),
            ("calculation_jobs", "portfolio_id"),
        ],
        ..Table::named("portfolios")
    };

    fn columns(&self) -> Vec<(&'static str, Bind)> {
        let Self { name, description } = self;
        vec![
            ("name", name.as_str().into()),
            ("description", description.as_deref().into()),
        ]
    }

    fn read(row: PortfolioRow) -> Result<Owned<Self>, StoreError> {
        let (head, (name, description)) = row.split();
        Ok(head.with(Self { name, description }))
    }
}

owned_row! {
    PositionRow of positions as Position {
        portfolio_id: Id,
        symbol: String,
        quantity: Exact,
        entry_price: Exact,
        entry_date: Option<chrono::NaiveDate>,
    }
}

impl Keep for Position {
    keep_row!(PositionRow);

    const TABLE: Table = Table {
        parent: Some(PORTFOLIO),
        ..Table::named("positions")
    };

    fn columns(&self) -> Vec<(&'static str, Bind)> {
        let Self {
            portfolio_id,
            symbol,
            quantity,
            entry_price,
            entry_date,
        } = self;
        vec![
            ("portfolio_id", (*portfolio_id).into()),
            ("symbol", symbol.as_str().into()),
            ("quantity", (*quantity).into()),
            ("entry_price", (*entry_price).into()),
            ("entry_date", Bind::Date(*entry_date)),
        ]
    }

    fn read(row: PositionRow) -> Result<Owned<Self>, StoreError> {
        let (head, (portfolio_id, symbol, quantity, entry_price, entry_date)) = row.split();
        Ok(head.with(Self {
            portfolio_id: portfolio_id.0,
            symbol: symbol
                .parse()
                .map_err(|_| unreadable("positions.symbol", &symbol))?,
            quantity: quantity.0,
            entry_price: entry_price.0,
            entry_date,
        }))
    }
}

insertable! {
    /// A position that comes with many others.
    struct NewPosition for positions {
        id: Id,
        user_id: Option<Id>,
        organization_id: Option<String>,
        portfolio_id: Id,
        symbol: String,
        quantity: Exact,
        entry_price: Exact,
        entry_date: Option<chrono::NaiveDate>,
        created_at: Time,
        updated_at: Time,
    }
}

#[async_trait]
impl Portfolios for Store {
    async fn import(
        &self,
        scope: &Scope,
        portfolio: Portfolio,
        positions: Vec<Position>,
        limit: Option<u64>,
    ) -> Result<Written<Owned<Portfolio>>, StoreError> {
        let mut problems = portfolio.problems();
        problems.extend(positions.iter().flat_map(Position::problems).take(100));
        if !problems.is_empty() {
            return Ok(Written::Invalid(problems));
        }
        let call = limited_to(IMPORT_LIMIT, async {
            let told = self.told(scope);
            let mut lease = self.owner_writer(false).await?;
            let written = import(lease.conn(), &told, scope, &portfolio, positions, limit).await;
            read(lease.settle(written).map_err(store_error)?)
        });
        self.told_if(Portfolio::IS_TOLD, call).await
    }

    async fn positions(
        &self,
        scope: &Scope,
        portfolio_id: Uuid,
    ) -> Result<Option<Vec<Owned<Position>>>, StoreError> {
        let portfolio: Option<Owned<Portfolio>> = self.find(scope, portfolio_id).await?;
        if portfolio.is_none() {
            return Ok(None);
        }
        let filter = OwnedFilter {
            whose: Whose::Everybody,
            parent: Some(portfolio_id),
        };
        let mut all: Vec<Owned<Position>> = Vec::new();
        loop {
            let page = PageQuery {
                limit: PAGE,
                after: all.last().map(|row| row.id),
            };
            let page: domain::Paged<Owned<Position>> = self.list(scope, filter, page).await?;
            all.extend(page.items);
            if page.next_cursor.is_none() {
                all.reverse();
                return Ok(Some(all));
            }
        }
    }

    async fn latest_jobs(
        &self,
        scope: &Scope,
        portfolio_ids: Vec<Uuid>,
    ) -> Result<Vec<Owned<CalculationJob>>, StoreError> {
        if portfolio_ids.is_empty() {
            return Ok(Vec::new());
        }
        let latest = CalculationJob::TABLE.latest_in(scope, portfolio_ids);
        self.owned(scope, latest).await
    }
}

async fn import(
    conn: &mut Conn,
    told: &Told,
    scope: &Scope,
    portfolio: &Portfolio,
    positions: Vec<Position>,
    limit: Option<u64>,
) -> QueryResult<Written<PortfolioRow>> {
    let Some(whole) = insert(conn, told, scope, portfolio, limit).await? else {
        let refusal = refusal(conn, scope, portfolio, limit).await?;
        together!(conn; commit())?;
        return Ok(refusal);
    };
    let row = &whole.row;
    let new = |position: Position| NewPosition {
        id: Id(Uuid::now_v7()),
        user_id: row.user_id,
        organization_id: row.organization_id.clone(),
        portfolio_id: row.id,
        symbol: position.symbol.as_str().to_owned(),
        quantity: Exact(position.quantity),
        entry_price: Exact(position.entry_price),
        entry_date: position.entry_date,
        created_at: row.created_at,
        updated_at: row.updated_at,
    };
    let rows: Vec<NewPosition> = positions.into_iter().map(new).collect();
    together!(conn; insertion::insert(rows))?;
    // Last of all: webhooks do not wait for a large file.
    let row = whole.announced(conn, scope).await?;
    together!(conn; commit())?;
    Ok(Written::Done(row))
}
