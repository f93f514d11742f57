"""An operator's SQL, read: split into statements, parsed as Postgres parses it, and judged."""
