"""Several engines for one release: each platform is built and judged where it is at home."""
