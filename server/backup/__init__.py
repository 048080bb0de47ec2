"""A whole shop in one file, and back: the database and the pictures that it names, checked by their digests."""
