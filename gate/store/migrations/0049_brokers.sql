-- At a centre, and at those that have its list: where a gate whose machine has a broker of the compound too is reached
-- by the others, as 'address:port', and the digest of the key by which the other brokers know that one.
ALTER TABLE gates ADD COLUMN broker_at TEXT;
ALTER TABLE gates ADD COLUMN broker_pin TEXT;
