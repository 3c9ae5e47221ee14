"""What keelway promises about speed, measured: `make bench` prints JSON."""
