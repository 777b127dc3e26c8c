"""The `line` channel: LINE's Messaging API, in and out."""
