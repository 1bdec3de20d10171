"""The console: each page with its template beside it."""
