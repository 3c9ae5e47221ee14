"""New images given to a cluster by kubectl."""
