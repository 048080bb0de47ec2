"""Where should a product's vector live? Run `python -m benchmarks.layouts`; docs/layout.md holds the answer.

Six ways to store 200,000 products with `halfvec(512)` vectors, judged by filtered search, by price feeds that touch
every row, by the change to a model of another dimension, and by how the analyst's SQL reads.
"""
