"""What happens between a frame and the relay."""
