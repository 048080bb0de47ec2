"""Rules that somebody made for single queries: pins, buries, boosts, redirects."""
