"""Load tests: what k6 runs, and how its figures stand to those of the last release. Pure."""
