"""Evaluation: nodes become snapshots, once each, in parallel, from the cache where it can be."""
