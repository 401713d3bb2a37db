"""Measurements: ratios against a peer or a naive twin in the same run; results in RESULTS.md."""
