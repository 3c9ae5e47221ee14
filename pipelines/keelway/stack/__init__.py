"""A compose project at work: its services on the engine, for the time of one test suite."""
