"""Benchmarks. Results are ratios: both sides are measured in turn in the same run."""
