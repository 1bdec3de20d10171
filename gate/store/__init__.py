"""The one SQLite database: residents, their templates, and the audit trail. Standard library only."""
