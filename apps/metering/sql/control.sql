-- What set-up gives to the app's role by default is taken back: these tables are the fleet role's alone.
REVOKE ALL ON metering_shard FROM tenlyr_app;
REVOKE INSERT, UPDATE, DELETE ON metering_dead_letter FROM tenlyr_app;
GRANT SELECT, UPDATE ON metering_shard TO tenlyr_fleet;
GRANT SELECT, INSERT, DELETE ON metering_dead_letter TO tenlyr_fleet;
GRANT USAGE ON SEQUENCE metering_dead_letter_id_seq TO tenlyr_fleet;

INSERT INTO metering_shard (shard, corrections) SELECT shard, '[]' FROM generate_series(0, 63) AS shard;
