"""What a data team works with: views and functions in a schema of their own, and a role that may use these alone."""
