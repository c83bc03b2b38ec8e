"""Redis and Valkey servers in every topology, the faults between them, and the clock of the scripts."""
