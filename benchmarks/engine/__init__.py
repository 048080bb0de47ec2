"""What the benchmarks of the search engine share: vectors, a shop that holds them, filters, right answers, peers."""
