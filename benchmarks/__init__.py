"""One script a question, each printing a table: `python -m benchmarks.NAME`. Figures live in docs/benchmarks.md."""
