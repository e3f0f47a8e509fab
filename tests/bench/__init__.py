"""Benchmarks with real processes on loopback. Each prints JSON objects, one per line; ratios are what counts."""
