"""Experiments: a service is hurt, and what another one does meanwhile and afterwards is judged."""
