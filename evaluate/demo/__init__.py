"""Walk-up footage from photos, and the demo that shows the gate at work on it."""
