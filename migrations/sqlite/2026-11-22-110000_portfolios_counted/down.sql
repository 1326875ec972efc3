drop table portfolio_counts;
