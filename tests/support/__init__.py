"""Support for tests and benchmarks, a package for each part: servers, clusters, processes, terminals, manifests."""
