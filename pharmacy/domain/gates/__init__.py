"""The gates: what a machine may not look at, and what may not be sent."""
