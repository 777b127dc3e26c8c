"""What a message costs with and without students and caches, by a replay of the same messages."""
