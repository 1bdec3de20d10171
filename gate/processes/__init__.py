"""The wire between the processes: who is at its ends, and for how long."""
