"""How a version of Facegate comes onto a machine. Runs in the system's Python, without any library."""
