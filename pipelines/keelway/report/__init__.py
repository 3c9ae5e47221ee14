"""What people and programs are told of a run: live on the terminal, and whole in `report.json`."""
