"""Proofs that travel: what one machine built and judged, and another one publishes."""
