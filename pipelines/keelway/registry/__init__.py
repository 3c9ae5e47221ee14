"""Registries, spoken to directly: what is beside an image, which Dagger's API does not know of."""
