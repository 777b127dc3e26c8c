"""Sample patients, for a first look."""
