"""A real control plane on loopback, the objects in it, and the clients that read them."""
