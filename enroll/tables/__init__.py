"""Tables as people have them: CSV in whatever letters and with whatever separators, and workbooks."""
