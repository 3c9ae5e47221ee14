"""The API: reflected from the installed SDK, and the resolvers that answer it."""
