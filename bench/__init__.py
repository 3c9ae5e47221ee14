"""What is promised about speed, measured: `make bench` prints a table of any number of engines."""
