"""The gate kept and looked after: its health, the doctor, backups, and what is erased in time."""
