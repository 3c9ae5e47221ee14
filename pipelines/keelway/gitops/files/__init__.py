"""Image references written into YAML files: pure, and no line changes that need not."""
