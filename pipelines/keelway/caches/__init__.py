"""The local engine's cache, taken from one machine to another.

The engine writes and reads folders (`keelway-engine cache`), and does not ask whose they are. Here
is the rest: where they come from and go to, and whether they are believed.
"""
