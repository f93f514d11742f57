-- metering_shard in a database beside the control plane's: how far each shard is stored here, and what is
-- still to be told about that (`elsewhere.py`). `fence` is the token of the last one who was here.
CREATE TABLE IF NOT EXISTS public.metering_shard (
    shard smallint PRIMARY KEY,
    fence bigint NOT NULL DEFAULT 0,
    epoch bigint NOT NULL DEFAULT 0,
    last_ms bigint NOT NULL DEFAULT 0,
    last_seq bigint NOT NULL DEFAULT 0,
    told jsonb NOT NULL DEFAULT '{}'
);
INSERT INTO public.metering_shard (shard) SELECT shard FROM generate_series(0, 63) AS shard
ON CONFLICT DO NOTHING;
REVOKE ALL ON public.metering_shard FROM tenlyr_app;
GRANT SELECT, UPDATE ON public.metering_shard TO tenlyr_fleet;
