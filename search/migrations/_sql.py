"""The SQL that several of this app's migrations run, and what they keep in files."""

from pathlib import Path


def read(name: str) -> str:
    return (Path(__file__).parent / "sql" / name).read_text(encoding="utf-8")


def validate(table: str, constraint: str) -> str:
    """Validate the constraint if it is there and still to be; readers and writers may pass."""
    return f"""
        DO $$
        BEGIN
            IF EXISTS (SELECT FROM pg_constraint WHERE conrelid = '{table}'::regclass
                       AND conname = '{constraint}' AND NOT convalidated) THEN
                ALTER TABLE {table} VALIDATE CONSTRAINT {constraint};
            END IF;
        END
        $$
    """
