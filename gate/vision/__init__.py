"""From light to claim. Vision can only ever say whom it believes it sees; it has no relay."""
