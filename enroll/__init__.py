"""From a photo to a resident: decoding, checks, duplicates, templates."""
