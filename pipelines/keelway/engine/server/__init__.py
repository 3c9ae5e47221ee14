"""The HTTP server of a session, and the execution of GraphQL queries."""
