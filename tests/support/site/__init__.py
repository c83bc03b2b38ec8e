"""Real scheduler and worker processes on one store, the API they call, and the comparison of plan and arrivals."""
