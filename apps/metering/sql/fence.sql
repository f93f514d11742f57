-- metering_fence: who draws a token under a shard's lock has a newer one than all who held it before.
CREATE SEQUENCE metering_fence;
REVOKE ALL ON SEQUENCE metering_fence FROM tenlyr_app;
GRANT SELECT, UPDATE, USAGE ON SEQUENCE metering_fence TO tenlyr_fleet;
