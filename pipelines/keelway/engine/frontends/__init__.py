"""Languages that become nodes of the graph: the Dockerfile."""
