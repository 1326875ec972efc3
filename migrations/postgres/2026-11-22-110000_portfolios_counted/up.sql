-- How many portfolios each user has, and which is his oldest: whoever asks who calls gets it in the same statement. It is
-- written with each change of it, under the mirror's write lock.

create table portfolio_counts (
    user_id uuid primary key,
    first_portfolio_id uuid,
    portfolio_count bigint not null check (portfolio_count >= 0)
);

-- Policies bind the owner as everybody; he counts everybody's.
alter table portfolios no force row level security;

insert into portfolio_counts (user_id, first_portfolio_id, portfolio_count)
select user_id, (array_agg(id order by id))[1], count(*) from portfolios
where user_id is not null group by user_id;

alter table portfolios force row level security;
