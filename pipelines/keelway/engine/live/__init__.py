"""Progress as a live view on a terminal: what runs now, redrawn in place below what is done."""
