"""The graph of what is to be done: frozen nodes, lazy values, no evaluation."""
