-- Payloads are written at the rate at which messages come, and read by few. As `json` they are kept as they are written:
-- `jsonb` costs PostgreSQL three times as much for each, and `pglz`, the compression it uses unless told otherwise, as
-- much again. Where the server was built without `lz4`, the default stays.

alter table webhook_deliveries alter column payload type json using payload::json;

do $$
begin
    execute 'alter table webhook_deliveries alter column payload set compression lz4';
exception
    when feature_not_supported or syntax_error or invalid_parameter_value then
        null;
end
$$;
