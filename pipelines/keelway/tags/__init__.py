"""How a release is named: tag rules, image references, labels.

`rules` reads what the user wrote, `naming` applies it to a commit, `reference` parses and
normalises image references, `labels` makes the standard labels.
"""
