"""Many gates, one register: what is on it, what a centre is still to say, and what a gate took from it."""
