-- Health and metrics count what waits for a person, and administrators list it: few lines of many.
create index webhook_deliveries_quarantined on webhook_deliveries (received_at) where outcome = 'quarantined';
