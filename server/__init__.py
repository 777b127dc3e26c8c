"""The only home of FastAPI: wiring, routes, worker, console."""
