"""Which images a registry keeps."""
