"""Long fault runs and the table of promises: `make soak`."""
