"""The same digest, proved, under the next environment's tags."""
