"""Evidence about images: statements, how they are signed, and where they are kept."""
