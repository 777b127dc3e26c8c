"""The words: one folder per node."""
