"""The jobs: what a worker does for each."""
