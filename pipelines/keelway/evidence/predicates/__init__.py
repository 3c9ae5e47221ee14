"""What statements say, one file a predicate: pure functions of what the stages found."""
