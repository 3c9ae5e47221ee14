"""Whether a published image is what it should be, by the evidence beside it; needs no engine."""
