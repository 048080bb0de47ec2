"""Another model for a shop that is open: its vectors beside the old ones, its index, and a switch in milliseconds."""
