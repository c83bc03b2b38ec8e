-- clock: reads the server's clock. A script, as Redis Cluster does not route the bare command to the release's node.
-- KEYS  1 prefix
-- ARGV  none
-- Output  now us
-- uses: base
return now_us
