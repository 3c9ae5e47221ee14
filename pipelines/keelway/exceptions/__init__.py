"""Exceptions in the words of others: Trivy's ignore file, Grype's ignore rules, OpenVEX."""
