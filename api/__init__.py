"""HTTP: what the property manager's browser talks to."""
