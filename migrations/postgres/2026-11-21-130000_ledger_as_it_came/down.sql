-- `jsonb` refuses the character NUL, which `json` takes: such a payload is kept as bytes.
update webhook_deliveries
set payload_bytes = convert_to(payload::text, 'UTF8'), payload = null
where payload::text like '%\\u0000%';

alter table webhook_deliveries alter column payload type jsonb using payload::jsonb;
