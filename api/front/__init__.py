"""What stands before the application: where it listens, who gets a connection, and what a request may be."""
