"""The frozen values that flow from stage to stage; each module holds one noun.

Nothing here runs, reads the clock or imports Dagger's SDK; containers and files are named for the
type checkers only.
"""
