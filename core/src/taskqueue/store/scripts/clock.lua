-- clock: what the server's clock reads; as a script, because the bare command is not routed to a slot in Redis Cluster.
-- KEYS  1 prefix
-- ARGV  none
-- Output  now us
-- uses: base
return now_us
