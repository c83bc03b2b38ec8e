"""The parts that keep a worker alive whatever user code does in its process."""
