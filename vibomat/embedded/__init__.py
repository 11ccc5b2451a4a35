"""A Django database engine that runs its own private PostgreSQL (see docs/decisions)."""
