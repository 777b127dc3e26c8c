"""PostgreSQL: the server, the schema, what is read and written, and the jobs."""
