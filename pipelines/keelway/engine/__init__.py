"""The local engine: a separate program that speaks Dagger's session protocol.

The library never imports it, and it never imports the library (`keelway.dockerfile` aside): both
meet at a socket. See `docs/engine.md`.
"""
