"""The floor: domain, models, storage, channels, observing, redaction, settings. Imports nothing above it."""
