-- How many portfolios each user has, and which is his oldest: whoever asks who calls gets it in the same statement. It is
-- written with each change of it, under the mirror's write lock.

create table portfolio_counts (
    user_id text primary key,
    first_portfolio_id text,
    portfolio_count bigint not null check (portfolio_count >= 0)
);

insert into portfolio_counts (user_id, first_portfolio_id, portfolio_count)
select user_id, min(id), count(*) from portfolios where user_id is not null group by user_id;
