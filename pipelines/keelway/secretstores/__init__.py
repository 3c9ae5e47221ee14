"""Secrets out of the stores that keep them, for the library and the engine alike.

Addresses and variables are those of Dagger, so the same configuration works on its own engine:
`vault://PATH.FIELD`, `aws+sm://NAME`, `aws+ps://NAME`. What other stores keep is read by their own
programs (`cmd://`).
"""
