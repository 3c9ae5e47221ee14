"""How a release reaches the hosts that run it, and how they go back."""
