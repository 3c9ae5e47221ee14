"""What this machine can do, what the configuration here needs of it, and what mends a lack.

`examine.examine` asks everything; each module looks at one kind of thing.
"""
