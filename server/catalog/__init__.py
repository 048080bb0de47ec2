"""Products and their pictures: validation, storage, and the feeds that bring them in."""
