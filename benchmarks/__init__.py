"""One script a question, each printing a table. Run as `python -m benchmarks.NAME`; figures live in docs/benchmarks.md."""
